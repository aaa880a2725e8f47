package org.filigree.core.op;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** Copying between backends, through host memory; gradients are copied back. */
public final class Transfer {
    private Transfer() {}

    /**
     * Copies a tensor to a backend, unless it is there already.
     *
     * @param backend where to
     * @param x either type
     * @return the same values on that backend
     */
    @SuppressWarnings("ReferenceEquality") // Two instances of one backend do not share memory.
    public static Tensor to(Backend backend, Tensor x) {
        Backend from = Backend.of(x);
        return from == backend
                ? x
                : Autograd.record("transfer", List.of(x), copy(backend, x), dy -> List.of(copy(from, dy)));
    }

    private static Tensor copy(Backend backend, Tensor x) {
        return x.dtype() == DType.INT32
                ? backend.tensors().ints(x.shape(), x.toInts())
                : backend.tensors().doubles(x.shape(), x.toDoubles());
    }
}
