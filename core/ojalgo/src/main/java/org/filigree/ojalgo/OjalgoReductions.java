package org.filigree.ojalgo;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Reductions;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Sums and maxima, one slab of the array after another. */
record OjalgoReductions(Backend backend) implements Reductions {
    @Override
    public Tensor sum(Tensor x, int axis) {
        Shape shape = x.shape().without(axis);
        double[] in = Doubles.of(x);
        double[] out = Doubles.allocate(shape);
        int inner = (int) x.shape().count(axis + 1, x.shape().rank());
        int slab = x.dim(axis) * inner;
        for (int i = 0; i < in.length; i++) {
            out[i / slab * inner + i % inner] += in[i];
        }
        return Doubles.tensor(backend, shape, out);
    }

    @Override
    public Tensor max(Tensor x, int axis) {
        Shape shape = x.shape().without(axis);
        double[] in = Doubles.of(x);
        double[] out = Doubles.allocate(shape);
        Arrays.fill(out, Double.NEGATIVE_INFINITY);
        int inner = (int) x.shape().count(axis + 1, x.shape().rank());
        int slab = x.dim(axis) * inner;
        for (int i = 0; i < in.length; i++) {
            int to = i / slab * inner + i % inner;
            out[to] = Math.max(out[to], in[i]);
        }
        return Doubles.tensor(backend, shape, out);
    }

    @Override
    public Tensor cumulativeSum(Tensor x, int axis, Direction direction) {
        double[] out = Doubles.of(x).clone();
        int inner = (int) x.shape().count(axis + 1, x.shape().rank());
        int slab = x.dim(axis) * inner;
        switch (direction) {
            case FORWARD -> {
                for (int i = 0; i < out.length; i++) {
                    if (i % slab >= inner) {
                        out[i] += out[i - inner];
                    }
                }
            }
            case BACKWARD -> {
                for (int i = out.length - 1; i >= 0; i--) {
                    if (i % slab < slab - inner) {
                        out[i] += out[i + inner];
                    }
                }
            }
        }
        return Doubles.tensor(backend, x.shape(), out);
    }
}
