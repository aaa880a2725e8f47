package org.filigree.attention;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of one sequence that are made a segment at a time, so that there are never all of them: attention to each segment,
 * joined by their log-sum-exps in the order of the keys. For segments from s on, with L the log-sum-exp of a segment:
 *
 * <pre>
 * output = Σ_s exp(L_s)·output_s / (Σ_s exp(L_s) + exp(sink))
 * </pre>
 *
 * @param count of all keys
 * @param segment keys that are made at a time, 1 or more
 * @param source makes them
 */
record SegmentedKeys(int count, int segment, Source source) {
    /** Floats of keys and values to have at a time: 8 MiB of them, some two thousand keys that all heads share. */
    private static final int MOST_FLOATS = 1 << 21;

    /** Keys of a segment at least: joining is a pass over all outputs, some percent of what so many keys take. */
    private static final int LEAST = 1024;

    /** Makes the keys and values of a segment. */
    @FunctionalInterface
    interface Source {
        /** Those of {@code rows} keys from {@code first} on. */
        Segment of(int first, int rows);
    }

    /**
     * Some adjoining keys.
     *
     * @param keys [1, keys, key heads, width]
     * @param values [1, keys, key heads, value width]
     */
    record Segment(Tensor keys, Tensor values) {}

    /** With as long segments as keys of so many floats, their values counted, allow. */
    static SegmentedKeys of(int count, long floatsPerKey, Source source) {
        return new SegmentedKeys(count, (int) Math.max(LEAST, MOST_FLOATS / floatsPerKey), source);
    }

    /** Some rows of a cache, widened: [1, rows, width]. */
    static Tensor widened(CacheRows rows, int first, int count, Backend backend) {
        float[] values = new float[Math.multiplyExact(count, rows.width())];
        rows.read(first, count, values, 0);
        return backend.tensors().floats(Shape.of(1, count, rows.width()), values);
    }

    /**
     * Attends.
     *
     * @param queries [1, tokens, heads, width]
     * @param span which keys each query sees
     * @param scale factor between product and logit
     * @param sinks [heads], null for none
     * @param chosen INT32 [1, tokens, chosen], to which of them it attends, −1 for none; null for all
     * @return output [1, tokens, heads, value width] and log-sum-exp [1, tokens, heads]
     */
    Attended attend(Tensor queries, KeySpan span, double scale, @Nullable Tensor sinks, @Nullable Tensor chosen) {
        if (count <= segment) {
            return part(queries, span, scale, sinks, chosen, 0, count);
        }
        int tokens = queries.dim(1);
        Attended joined = null;
        for (int first = 0; first < count; first += segment) {
            int rows = Math.min(segment, count - first);
            Within seen = new Within(span, first, rows);
            if (seen.any(tokens)) {
                Attended part = part(queries, seen, scale, null, chosen, first, rows);
                joined = joined == null ? part : Attended.joined(List.of(joined, part), null);
            }
        }
        if (joined == null) {
            return part(queries, new Within(span, 0, 0), scale, sinks, chosen, 0, 0);
        }
        return sinks == null ? joined : Attended.joined(List.of(joined), sinks);
    }

    private Attended part(
            Tensor queries,
            KeySpan span,
            double scale,
            @Nullable Tensor sinks,
            @Nullable Tensor chosen,
            int first,
            int rows) {
        Segment own = source.of(first, rows);
        DenseAttentionInput input = new DenseAttentionInput(queries, own.keys, own.values, span, scale, sinks);
        return chosen == null
                ? ScaledDotProductAttention.attend(input)
                : ScaledDotProductAttention.attend(input, within(chosen, first, rows));
    }

    /** Indices counted from a segment's first key, −1 for keys of other segments. */
    private static Tensor within(Tensor chosen, int first, int rows) {
        int[] indices = chosen.toInts();
        for (int i = 0; i < indices.length; i++) {
            int index = indices[i] - first;
            indices[i] = index >= 0 && index < rows ? index : -1;
        }
        return Backend.of(chosen).tensors().ints(chosen.shape(), indices);
    }

    /**
     * What a span leaves of a segment.
     *
     * @param span over all keys
     * @param first key of the segment
     * @param rows keys of the segment
     */
    private record Within(KeySpan span, int first, int rows) implements KeySpan {
        @Override
        public int from(int query) {
            return Math.clamp(span.from(query) - first, 0, rows);
        }

        @Override
        public int to(int query) {
            return Math.clamp(span.to(query) - first, 0, rows);
        }

        boolean any(int tokens) {
            for (int t = 0; t < tokens; t++) {
                if (from(t) < to(t)) {
                    return true;
                }
            }
            return false;
        }
    }
}
