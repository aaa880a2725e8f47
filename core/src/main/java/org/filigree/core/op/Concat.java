package org.filigree.core.op;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** Joining along an axis. */
public final class Concat {
    private Concat() {}

    /**
     * Joins tensors along an axis.
     *
     * @param axis which axis, negative from the end
     * @param parts one or more tensors, alike but for that axis
     * @return the joined tensor
     * @throws ShapeException if they differ elsewhere
     */
    public static Tensor concat(int axis, Tensor... parts) {
        return concat(axis, List.of(parts));
    }

    /**
     * Joins tensors along an axis.
     *
     * @param axis which axis, negative from the end
     * @param parts one or more tensors, alike but for that axis
     * @return the joined tensor
     * @throws ShapeException if they differ elsewhere
     */
    public static Tensor concat(int axis, List<Tensor> parts) {
        if (parts.isEmpty()) {
            throw new ShapeException("concat: nothing to join");
        }
        Tensor first = parts.getFirst();
        int along = Check.axis("concat", first, axis);
        Backend backend = Backend.common("concat", first, parts.toArray(Tensor[]::new));
        for (Tensor part : parts) {
            if (part.dtype() != first.dtype()
                    || part.shape().rank() != first.shape().rank()
                    || !part.shape().withDim(along, 1).equals(first.shape().withDim(along, 1))) {
                throw new ShapeException("concat: " + first.dtype() + first.shape() + " and " + part.dtype()
                        + part.shape() + " differ beside axis " + axis);
            }
        }
        if (parts.size() == 1) {
            return first;
        }
        return Autograd.record("concat", parts, backend.layout().concat(parts, along), dy -> {
            var gradients = new ArrayList<Tensor>(parts.size());
            int start = 0;
            for (Tensor part : parts) {
                int end = start + part.dim(along);
                gradients.add(backend.layout().slice(dy, along, start, end));
                start = end;
            }
            return List.copyOf(gradients);
        });
    }
}
