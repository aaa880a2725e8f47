package org.filigree.core.backend;

import java.util.Optional;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * Where tensors live and who computes on them. A backend is a sum of six narrow families, which it must have, and of
 * {@linkplain #kernel fused kernels}, which it may have: where it brings none, an operation runs as a composition of the families.
 *
 * <p>Backends know nothing of gradients; they map tensors to new tensors and trust their callers, the operations in
 * {@code org.filigree.core.op}, to have checked shapes. Implementations are safe for use from several threads, and give bitwise
 * the same result for the same operands, however many threads compute it.
 */
public interface Backend extends AutoCloseable {
    /** {@return the name by which it is chosen, in lower case} */
    String name();

    /** {@return how it computes on this machine, in a few words: precision, width, threads} */
    String detail();

    /** {@return how tensors are made and overwritten} */
    TensorFactory tensors();

    /** {@return functions of single elements} */
    Elementwise elementwise();

    /** {@return sums, maxima and running sums along an axis} */
    Reductions reductions();

    /** {@return matrix products} */
    MatrixProducts matrices();

    /** {@return rearrangements} */
    Layout layout();

    /** {@return access through indices} */
    Indexing indexing();

    /**
     * A fused kernel, if this backend has one: its own, or one that a module registered through {@link KernelProvider}.
     *
     * @param type interface of the kernel
     * @param <K> interface of the kernel
     * @return the kernel, empty where the composition must run
     */
    <K extends FusedKernel> Optional<K> kernel(Class<K> type);

    /** {@return name and detail, on one line} */
    @Override
    String toString();

    /** Releases threads and device memory; tensors that live here become unusable where the memory is not the JVM's. */
    @Override
    void close();

    /**
     * The backend on which a tensor lives.
     *
     * @param tensor any tensor made by a backend
     * @return its backend
     * @throws ShapeException if no backend made it
     */
    static Backend of(Tensor tensor) {
        if (tensor.storage() instanceof BackendStorage owned) {
            return owned.backend();
        }
        throw new ShapeException("backend: the storage of " + tensor.shape() + " belongs to no backend but to "
                + tensor.storage().getClass().getName() + "; make tensors with backend.tensors()");
    }

    /**
     * The one backend on which all operands live.
     *
     * @param operation who asks
     * @param first first operand
     * @param rest further operands
     * @return their backend
     * @throws ShapeException if they live on different backends
     */
    @SuppressWarnings("ReferenceEquality") // Two instances of one backend do not share memory.
    static Backend common(String operation, Tensor first, Tensor... rest) {
        Backend backend = of(first);
        for (Tensor other : rest) {
            Backend another = of(other);
            if (another != backend) {
                throw new ShapeException(
                        operation + ": " + first.shape() + " lives on backend " + backend.name() + " but "
                                + other.shape() + " on " + another.name()
                                + (another.name().equals(backend.name()) ? " (another instance)" : "")
                                + "; move one with Transfer.to(backend, tensor)");
            }
        }
        return backend;
    }
}
