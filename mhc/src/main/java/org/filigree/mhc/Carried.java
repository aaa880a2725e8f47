package org.filigree.mhc;

import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * What goes from sub-layer to sub-layer in the {@linkplain Mixing.Lagged single-pass form}: the streams, and the weights by which the next
 * sub-layer reads them. u_s = Σ_j pre_{s−1,j}·X_{s,j}; the first pre is 1 for stream 0, and the last leads out of the streams.
 *
 * {@snippet :
 * Carried carried = Carried.start(x, 4);
 * for (Block block : blocks) {
 *     carried = block.connections().step(carried, u -> block.layer().forward(u, context), context);
 * }
 * Tensor y = carried.finish();
 * }
 *
 * @param streams X [outer…, streams, width]
 * @param pre weights of reading [outer…, streams]
 */
public record Carried(Tensor streams, Tensor pre) {
    /** Checks the shapes. */
    public Carried {
        Check.rankAtLeast("carried", "streams", streams, 3);
        Shape weights = streams.shape().leading(-1);
        if (!pre.shape().equals(weights)) {
            throw new ShapeException("carried: pre " + pre.shape() + " must be " + weights
                    + ", one weight for every stream of streams " + streams.shape());
        }
    }

    /**
     * Before the first sub-layer: every stream a copy of x, stream 0 to be read.
     *
     * @param x [outer…, width], at least one outer axis
     * @param streams n, 1 or more
     * @return streams and weights
     */
    public static Carried start(Tensor x, int streams) {
        return start(Streams.expand(x, streams));
    }

    /**
     * Before the first sub-layer, from streams; stream 0 is to be read.
     *
     * @param streams X [outer…, streams, width], at least one outer axis
     * @return streams and weights
     */
    public static Carried start(Tensor streams) {
        Check.rankAtLeast("carried", "streams", streams, 3);
        Shape shape = streams.shape().leading(-1);
        float[] first = new float[Math.toIntExact(shape.size())];
        for (int i = 0; i < first.length; i += shape.dim(-1)) {
            first[i] = 1;
        }
        return new Carried(streams, Backend.of(streams).tensors().floats(shape, first));
    }

    /**
     * The same weights of reading for changed streams, as where a memory is added to them between sub-layers.
     *
     * @param changed X [outer…, streams, width]
     * @return streams and weights
     */
    public Carried withStreams(Tensor changed) {
        return new Carried(changed, pre);
    }

    /** {@return what the next sub-layer reads, Σ_j pre_j·X_j, [outer…, width]} */
    public Tensor read() {
        return MixWeights.collapse(streams, pre);
    }

    /**
     * The way out of the lagged form, by the last sub-layer's weights. Other forms leave the carried weights as they were at the start, so
     * that this would be stream 0 alone: leave those by {@link HyperHead} or {@link Streams#total}.
     *
     * @return Σ_j pre_j·X_j, [outer…, width]; the model's last norm follows
     */
    public Tensor finish() {
        return read();
    }
}
