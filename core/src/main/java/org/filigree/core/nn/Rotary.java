package org.filigree.core.nn;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.kernel.RotaryKernel.Pairing;
import org.filigree.core.op.Rotate;
import org.filigree.core.op.Slice;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Rotary position embedding of a fixed width: angle of pair i at position p is p·f_i in float32. Makes {@linkplain Table tables} of
 * cosines and sines for the positions at hand; holds no parameters and no state.
 */
public final class Rotary {
    private final float[] frequencies;

    /**
     * An embedding of a given width.
     *
     * @param width rotated channels, even
     * @param frequencies angle per position of every pair
     */
    public Rotary(int width, Frequencies frequencies) {
        Check.positive("rotary: width", width);
        this.frequencies = frequencies.of(width);
    }

    /**
     * Cosines and sines for consecutive positions.
     *
     * @param backend where they shall live
     * @param start first position
     * @param tokens number of positions
     * @return the table
     */
    public Table table(Backend backend, int start, int tokens) {
        return table(backend, start, 1, tokens);
    }

    /**
     * Cosines and sines for positions at a regular distance, as compressed keys need them.
     *
     * @param backend where they shall live
     * @param start first position
     * @param stride distance between positions
     * @param tokens number of positions
     * @return the table
     */
    public Table table(Backend backend, int start, int stride, int tokens) {
        int half = frequencies.length;
        float[] cos = new float[tokens * half];
        float[] sin = new float[tokens * half];
        for (int t = 0; t < tokens; t++) {
            float position = start + t * stride;
            for (int i = 0; i < half; i++) {
                float angle = position * frequencies[i];
                cos[t * half + i] = (float) Math.cos(angle);
                sin[t * half + i] = (float) Math.sin(angle);
            }
        }
        Shape shape = Shape.of(tokens, half);
        return new Table(backend.tensors().floats(shape, cos), backend.tensors().floats(shape, sin));
    }

    /**
     * Cosines and sines of certain positions.
     *
     * @param cos [tokens, width/2]
     * @param sin [tokens, width/2]
     */
    public record Table(Tensor cos, Tensor sin) {
        /**
         * Rotates forward.
         *
         * @param pairing which channels form a pair
         * @param x [batch…, tokens, heads, width]
         * @return same shape
         */
        public Tensor rotate(Pairing pairing, Tensor x) {
            return Rotate.rotate(pairing, x, cos, sin);
        }

        /**
         * Some neighbouring positions.
         *
         * @param from number of the first in this table
         * @param to number behind the last
         * @return their table
         */
        public Table positions(int from, int to) {
            return new Table(Slice.slice(cos, 0, from, to), Slice.slice(sin, 0, from, to));
        }

        /** {@return the table of the opposite rotation} */
        public Table inverse() {
            return new Table(cos, Backend.of(sin).elementwise().affine(sin, -1, 0));
        }
    }
}
