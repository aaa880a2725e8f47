package org.filigree.attention;

import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.Arrays;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;

/**
 * {@link ScaledDotProductAttention} over rows where a cache keeps them, paged and quantised as they may be. The cache is never widened:
 * few queries read its rows in place, more of them meet it a segment at a time, so that memory beside the output does not depend on the
 * length of the cache. Not differentiable, since gradients do not pass through a cache.
 */
public final class CachedDenseAttention {
    /**
     * Tokens times heads up to which each token reads the rows by itself: 16 heads over 16 384 keys took 3.5 instead of 12.3 ms for one
     * token, 14 instead of 39 for four, and as long for sixteen.
     */
    private static final int FEW_ROWS = 64;

    /** Tokens up to which they do so whatever the number of heads. */
    private static final int FEW_TOKENS = 4;

    private CachedDenseAttention() {}

    /**
     * Attends to the rows in sight.
     *
     * @param input queries, rows and spans
     * @return output [tokens, heads, value width] and log-sum-exp [tokens, heads]; {@link Attended} says what they are
     * @throws ShapeException if the queries or the sinks want a gradient
     */
    public static Attended attend(CachedDenseInput input) {
        CachedAttention.requireConstant("queries", input.queries());
        if (input.sinks() != null) {
            CachedAttention.requireConstant("sinks", input.sinks());
        }
        int tokens = input.queries().dim(0);
        boolean few = tokens <= FEW_TOKENS || tokens * input.queries().dim(1) <= FEW_ROWS;
        return few && readsInPlace(input) ? named(input) : segmented(input, keys(input));
    }

    private static boolean readsInPlace(CachedDenseInput input) {
        return Backend.of(input.queries())
                .kernel(CachedAttentionKernel.class)
                .filter(kernel -> kernel.supports(input.keyValues().width(), input.valueWidth()))
                .isPresent();
    }

    /** Names every row in sight. */
    private static Attended named(CachedDenseInput input) {
        KeySpan span = input.span();
        int tokens = input.queries().dim(0);
        int most = 0;
        for (int t = 0; t < tokens; t++) {
            most = Math.max(most, span.to(t) - span.from(t));
        }
        int[] indices = new int[Math.multiplyExact(tokens, most)];
        Arrays.fill(indices, -1);
        for (int t = 0; t < tokens; t++) {
            for (int row = span.from(t); row < span.to(t); row++) {
                indices[t * most + row - span.from(t)] = row;
            }
        }
        return CachedAttention.attend(new CachedAttentionInput(
                input.queries(),
                input.keyValues(),
                input.valueWidth(),
                Backend.of(input.queries()).tensors().ints(Shape.of(tokens, most), indices),
                input.scale(),
                input.sinks()));
    }

    private static SegmentedKeys keys(CachedDenseInput input) {
        int width = input.keyValues().width();
        return SegmentedKeys.of(
                input.keyValues().count(), width + input.valueWidth(), (first, count) -> segment(input, first, count));
    }

    private static SegmentedKeys.Segment segment(CachedDenseInput input, int first, int count) {
        CacheRows rows = input.keyValues();
        Tensor keys = insertAxis(SegmentedKeys.widened(rows, first, count, Backend.of(input.queries())), 2);
        return new SegmentedKeys.Segment(keys, slice(keys, -1, 0, input.valueWidth()));
    }

    /** In segments of so many rows. */
    static Attended segmented(CachedDenseInput input, int segment) {
        return segmented(
                input,
                new SegmentedKeys(
                        input.keyValues().count(), segment, keys(input).source()));
    }

    private static Attended segmented(CachedDenseInput input, SegmentedKeys keys) {
        Attended one = keys.attend(insertAxis(input.queries(), 0), input.span(), input.scale(), input.sinks(), null);
        return new Attended(
                reshape(one.output(), one.output().shape().without(0)),
                reshape(one.logSumExp(), one.logSumExp().shape().without(0)));
    }
}
