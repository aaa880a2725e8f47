package org.filigree.attention;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.ArrayList;
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
     * Tokens up to which each reads the rows by itself. Over 8192 FP8 rows of 512 + 64 on one thread, in place against segments: 16 heads,
     * 8 tokens 20 against 27 ms, 16 tokens 39 against 46, 32 tokens 79 against 71; 128 heads, 4 tokens 56 against 69, 16 tokens 220
     * against 252.
     */
    private static final int FEW_TOKENS = 16;

    /** Tokens that read in place at a time, so that the lists of rows they read stay short beside the rows themselves. */
    private static final int LISTED = 4;

    private CachedDenseAttention() {}

    /**
     * Attends to the rows in sight.
     *
     * @param input queries, rows and spans
     * @return output [tokens, heads, value width] and log-sum-exp [tokens, heads]; {@link Attended} says what they are
     * @throws ShapeException if the queries or the sinks want a gradient
     */
    public static Attended attend(CachedDenseInput input) {
        CachedAttention.requireConstant(CachedDenseInput.OPERATION, "queries", input.queries());
        if (input.sinks() != null) {
            CachedAttention.requireConstant(CachedDenseInput.OPERATION, "sinks", input.sinks());
        }
        return input.queries().dim(0) <= FEW_TOKENS && readsInPlace(input)
                ? inPlace(input)
                : segmented(input, keys(input));
    }

    private static boolean readsInPlace(CachedDenseInput input) {
        return Backend.of(input.queries())
                .kernel(CachedAttentionKernel.class)
                .filter(kernel -> kernel.supports(input.keyValues().width(), input.valueWidth()))
                .isPresent();
    }

    private static Attended inPlace(CachedDenseInput input) {
        int tokens = input.queries().dim(0);
        if (tokens <= LISTED) {
            return named(input, 0, tokens);
        }
        var parts = new ArrayList<Attended>();
        for (int from = 0; from < tokens; from += LISTED) {
            parts.add(named(input, from, Math.min(tokens, from + LISTED)));
        }
        return new Attended(
                concat(0, parts.stream().map(Attended::output).toList()),
                concat(0, parts.stream().map(Attended::logSumExp).toList()));
    }

    /** Names every row that some tokens see. */
    private static Attended named(CachedDenseInput input, int from, int to) {
        KeySpan span = input.span();
        int most = 0;
        for (int t = from; t < to; t++) {
            most = Math.max(most, span.to(t) - span.from(t));
        }
        int[] indices = new int[Math.multiplyExact(to - from, most)];
        Arrays.fill(indices, -1);
        for (int t = from; t < to; t++) {
            for (int row = span.from(t); row < span.to(t); row++) {
                indices[(t - from) * most + row - span.from(t)] = row;
            }
        }
        return CachedAttention.attend(new CachedAttentionInput(
                slice(input.queries(), 0, from, to),
                input.keyValues(),
                input.valueWidth(),
                Backend.of(input.queries()).tensors().ints(Shape.of(to - from, most), indices),
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
