package org.filigree.core.op;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** A range along an axis. */
public final class Slice {
    private Slice() {}

    /**
     * Elements from … to−1 along an axis.
     *
     * @param x either type
     * @param axis which axis, negative from the end
     * @param from first index
     * @param to index after the last
     * @return x's shape with that axis cut
     * @throws ShapeException if the range is outside the axis
     */
    public static Tensor slice(Tensor x, int axis, int from, int to) {
        int along = Check.axis("slice", x, axis);
        int extent = x.dim(along);
        if (from < 0 || to < from || to > extent) {
            throw new ShapeException("slice: range [" + from + ", " + to + ") is outside axis " + axis + " of "
                    + x.shape() + ", which has " + extent + " elements");
        }
        if (from == 0 && to == extent) {
            return x;
        }
        Backend backend = Backend.of(x);
        return Autograd.record("slice", List.of(x), backend.layout().slice(x, along, from, to), dy -> {
            var parts = new ArrayList<Tensor>(3);
            if (from > 0) {
                parts.add(backend.tensors().zeros(x.shape().withDim(along, from)));
            }
            parts.add(dy);
            if (to < extent) {
                parts.add(backend.tensors().zeros(x.shape().withDim(along, extent - to)));
            }
            return List.of(backend.layout().concat(parts, along));
        });
    }

    /**
     * Cuts an axis into consecutive parts.
     *
     * @param x either type
     * @param axis which axis, negative from the end
     * @param sizes extents of the parts, which add up to the axis
     * @return the parts, in order
     * @throws ShapeException if the sizes do not add up
     */
    public static List<Tensor> split(Tensor x, int axis, int... sizes) {
        int along = Check.axis("split", x, axis);
        int total = 0;
        for (int size : sizes) {
            total += size;
        }
        if (total != x.dim(along)) {
            throw new ShapeException("split: sizes add up to " + total + " but axis " + axis + " of " + x.shape()
                    + " has " + x.dim(along) + " elements");
        }
        Backend backend = Backend.of(x);
        var outputs = new ArrayList<Tensor>(sizes.length);
        int start = 0;
        for (int size : sizes) {
            outputs.add(backend.layout().slice(x, along, start, start + size));
            start += size;
        }
        return Autograd.record("split", List.of(x), outputs, upstream -> {
            var parts = new ArrayList<Tensor>(sizes.length);
            for (int i = 0; i < sizes.length; i++) {
                Tensor dy = upstream.get(i);
                parts.add(dy != null ? dy : backend.tensors().zeros(x.shape().withDim(along, sizes[i])));
            }
            return List.of(backend.layout().concat(parts, along));
        });
    }
}
