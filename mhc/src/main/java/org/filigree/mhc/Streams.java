package org.filigree.mhc;

import static org.filigree.core.op.Broadcasting.broadcastTo;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;

import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/** The way into n streams and, without parameters, out of them. */
public final class Streams {
    private Streams() {}

    /**
     * Every stream starts as a copy; the gradient is the sum over streams.
     *
     * @param x [outer…, width]
     * @param streams n, 1 or more
     * @return [outer…, streams, width]
     */
    public static Tensor expand(Tensor x, int streams) {
        Check.rankAtLeast("expand", "x", x, 1);
        Check.positive("expand: streams", streams);
        return broadcastTo(insertAxis(x, -2), x.shape().leading(-1, streams, x.dim(-1)));
    }

    /**
     * Σ over streams, the way out of plain hyper-connections.
     *
     * @param streams [outer…, streams, width]
     * @return [outer…, width]
     */
    public static Tensor total(Tensor streams) {
        Check.rankAtLeast("total", "streams", streams, 2);
        return sum(streams, -2);
    }
}
