package org.filigree.nd4j;

import java.util.concurrent.atomic.LongAdder;
import java.util.function.UnaryOperator;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/**
 * Runs on the scalar backend, by copies through host memory, what ND4J lacks in a deterministic form: scattering with repeated
 * indices, access along the last axis, largest elements with ties, and rearrangements of integers. Every call is counted.
 */
final class HostFallback implements AutoCloseable {
    private final Backend backend;
    private final Backend scalar = Backends.open("scalar");
    private final LongAdder calls = new LongAdder();

    HostFallback(Backend backend) {
        this.backend = backend;
    }

    /** The backend that computes. */
    Backend scalar() {
        return scalar;
    }

    /** A function of one tensor, computed by the scalar backend. */
    Tensor apply(Tensor x, UnaryOperator<Tensor> function) {
        calls.increment();
        return up(function.apply(down(x)));
    }

    /** Counts an operation whose copies the caller makes. */
    void count() {
        calls.increment();
    }

    /** A copy in host memory. */
    Tensor down(Tensor x) {
        return copy(scalar, x);
    }

    /** A copy in ND4J's memory. */
    Tensor up(Tensor x) {
        return copy(backend, x);
    }

    private static Tensor copy(Backend to, Tensor x) {
        return x.dtype() == DType.INT32
                ? to.tensors().ints(x.shape(), x.toInts())
                : to.tensors().floats(x.shape(), x.toFloats());
    }

    long calls() {
        return calls.sum();
    }

    @Override
    public void close() {
        scalar.close();
    }
}
