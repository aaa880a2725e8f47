package org.filigree.attention;

import static org.filigree.core.op.Arithmetic.divide;
import static org.filigree.core.op.Arithmetic.greater;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Broadcasting.broadcastTo;
import static org.filigree.core.op.Clamp.clamp;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reduce.max;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.ScatterAdd.scatterAddLast;
import static org.filigree.core.op.Slice.slice;

import java.util.Arrays;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Indexing;
import org.filigree.core.op.Select;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Chooses all visible keys of the best blocks of neighbouring keys, ties to the lower block. The block of the newest visible key is
 * always among them. The choice of MoBA (Lu et al., 2025) and of NSA (Yuan et al., 2025) over blocks, and of the candidates of
 * DeepSeek-V4.1.
 *
 * @param blocks how many blocks
 * @param width keys of a block; the last block may be shorter
 * @param worth what a block is worth
 */
public record TopBlocks(int blocks, int width, Worth worth) implements Selector {
    /** What a block is worth, by the scores of its visible keys; a NaN score counts as none. */
    public enum Worth {
        /** As much as its best key. */
        BEST,
        /** The mean: for scores that are products with keys, the product with the block's mean key. */
        MEAN
    }

    /** Checks the numbers. */
    public TopBlocks {
        Check.positive("top blocks: blocks", blocks);
        Check.positive("top blocks: width", width);
    }

    /**
     * Blocks by their best key.
     *
     * @param blocks how many blocks
     * @param width keys of a block
     * @return the selector
     */
    public static TopBlocks byBest(int blocks, int width) {
        return new TopBlocks(blocks, width, Worth.BEST);
    }

    /**
     * Blocks by their mean.
     *
     * @param blocks how many blocks
     * @param width keys of a block
     * @return the selector
     */
    public static TopBlocks byMean(int blocks, int width) {
        return new TopBlocks(blocks, width, Worth.MEAN);
    }

    @Override
    public Tensor select(Tensor scores, Visibility visibility) {
        Tensor kept = chosen(scores, visibility);
        int tokens = kept.dim(1);
        int count = kept.dim(2);
        int[] from = kept.toInts();
        int[] indices = new int[Math.multiplyExact(from.length, width)];
        for (int i = 0; i < indices.length; i++) {
            int block = from[i / width];
            int key = block * width + i % width;
            int query = i / width / Math.max(1, count) % tokens;
            indices[i] = block >= 0 && key < visibility.keys(query) ? key : -1;
        }
        return Backend.of(scores).tensors().ints(Shape.of(kept.dim(0), tokens, count * width), indices);
    }

    /**
     * The same choice as numbers of blocks.
     *
     * @param scores [batch, tokens, keys]
     * @param visibility which keys each query may choose from
     * @return INT32 [batch, tokens, min(blocks, all)], −1 for none
     */
    public Tensor chosen(Tensor scores, Visibility visibility) {
        return Autograd.withoutGradients(() -> {
            Backend backend = Backend.of(scores);
            int count = blockCount(scores.dim(2));
            if (scores.shape().size() == 0) {
                return backend.tensors().ints(Shape.of(scores.dim(0), scores.dim(1), 0), new int[0]);
            }
            Tensor worth =
                    Select.select(older(scores, visibility, count), worths(scores, visibility), infinite(backend, 1));
            Indexing.Largest best = org.filigree.core.op.TopK.topK(worth, Math.min(blocks, count));
            int[] numbers = best.indices().toInts();
            double[] values = best.values().toDoubles();
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = values[i] == Double.NEGATIVE_INFINITY ? -1 : numbers[i];
            }
            return backend.tensors().ints(best.indices().shape(), numbers);
        });
    }

    /**
     * What numbers of blocks stand for, as a mask.
     *
     * @param chosen INT32 [batch, tokens, blocks], −1 for none
     * @param keys how many there are
     * @return FLOAT32 [batch, tokens, keys]: 1 in a chosen block, visible or not, 0 elsewhere
     */
    public Tensor mask(Tensor chosen, int keys) {
        return Autograd.withoutGradients(() -> {
            int count = blockCount(keys);
            Tensor ones = Backend.of(chosen).tensors().full(chosen.shape(), 1);
            Tensor byBlock = insertAxis(scatterAddLast(ones, chosen, count), -1);
            Shape spread = Shape.of(chosen.dim(0), chosen.dim(1), count, width);
            Tensor byKey = reshape(broadcastTo(byBlock, spread), chosen.dim(0), chosen.dim(1), count * width);
            return slice(byKey, -1, 0, keys);
        });
    }

    private int blockCount(int keys) {
        return Math.ceilDiv(keys, width);
    }

    private static Tensor infinite(Backend backend, int sign) {
        return backend.tensors().full(Shape.of(), sign * Double.POSITIVE_INFINITY);
    }

    /** [batch, tokens, blocks], −∞ for a block without a visible key. */
    private Tensor worths(Tensor scores, Visibility visibility) {
        Backend backend = Backend.of(scores);
        Tensor lowest = infinite(backend, -1);
        Tensor seen =
                multiply(greater(scores, lowest), LogitBias.visible(backend, visibility, scores.dim(1), scores.dim(2)));
        if (worth == Worth.BEST) {
            return max(inBlocks(Select.select(seen, scores, lowest), Double.NEGATIVE_INFINITY), -1);
        }
        Tensor number = sum(inBlocks(seen, 0), -1);
        Tensor total =
                sum(inBlocks(Select.select(seen, scores, backend.tensors().full(Shape.of(), 0)), 0), -1);
        return Select.select(number, divide(total, clamp(number, 1, width)), lowest);
    }

    /** [batch, tokens, keys] to [batch, tokens, blocks, width], filled up at the end. */
    private Tensor inBlocks(Tensor x, double fill) {
        int count = blockCount(x.dim(2));
        int missing = count * width - x.dim(2);
        Tensor whole = missing == 0
                ? x
                : concat(-1, x, Backend.of(x).tensors().full(x.shape().withDim(-1, missing), fill));
        return reshape(whole, x.dim(0), x.dim(1), count, width);
    }

    /** 0 for the block of the newest visible key, 1 for others: [tokens, blocks]. */
    private Tensor older(Tensor scores, Visibility visibility, int count) {
        int tokens = scores.dim(1);
        float[] mask = new float[Math.multiplyExact(tokens, count)];
        Arrays.fill(mask, 1);
        for (int t = 0; t < tokens; t++) {
            int visible = visibility.keys(t);
            if (visible > 0) {
                mask[t * count + (visible - 1) / width] = 0;
            }
        }
        return Backend.of(scores).tensors().floats(Shape.of(tokens, count), mask);
    }
}
