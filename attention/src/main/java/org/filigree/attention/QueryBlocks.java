package org.filigree.attention;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Slice.slice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * Chooses keys for some neighbouring queries of a pass after the others, so that never more than their scores are there at once: those of 50 000
 * queries and as many keys are 10 GB, beside attention whose memory is linear in length. Layers of one's own choose like this:
 *
 * {@snippet :
 * Tensor chosen = QueryBlocks.of(batch, tokens, keys)
 *         .choose(selector, visibility, (from, to) -> scorer.score(input.tokens(from, to), scorerKeys));
 * }
 *
 * @param batch sequences
 * @param queries of each
 * @param keys of each
 * @param length queries of a block, the last may have fewer
 */
public record QueryBlocks(int batch, int queries, int keys, int length) {
    /** Scores of a block at most, 16 MiB of them, as far as a single query of each sequence keeps within that: some for every thread, few calls. */
    private static final long MOST_SCORES = 1L << 22;

    /** Scores of some queries. */
    @FunctionalInterface
    public interface Scores {
        /**
         * Scores some queries.
         *
         * @param from first query
         * @param to query behind the last
         * @return FLOAT32 [batch, to − from, keys]
         */
        Tensor of(int from, int to);

        /**
         * Scores that are all there.
         *
         * @param all FLOAT32 [batch, queries, keys]
         * @return those of some queries
         */
        static Scores all(Tensor all) {
            return (from, to) -> slice(all, 1, from, to);
        }
    }

    /** Checks that no size is negative and that a block holds a query. */
    public QueryBlocks {
        Check.notNegative("query blocks: batch", batch);
        Check.notNegative("query blocks: queries", queries);
        Check.notNegative("query blocks: keys", keys);
        Check.positive("query blocks: length", length);
    }

    /**
     * Blocks whose scores take 16 MiB at most, or one query.
     *
     * @param batch sequences
     * @param queries of each
     * @param keys of each
     * @return the blocks, which follow from these numbers alone
     */
    public static QueryBlocks of(int batch, int queries, int keys) {
        long perQuery = Math.max(1, (long) batch * keys);
        return new QueryBlocks(batch, queries, keys, Math.clamp(MOST_SCORES / perQuery, 1, Math.max(1, queries)));
    }

    /**
     * Chooses for all queries. Nothing is recorded for gradients. Where blocks are given different numbers of places, −1 fills the rest.
     *
     * @param selector chooses; it is asked for block after block, in their order
     * @param visibility which keys each query may choose from
     * @param scores by which
     * @return INT32 [batch, queries, chosen]
     * @throws ShapeException if scores or a choice have the wrong shape
     * @throws IllegalArgumentException if a query is given a key that it does not see
     */
    public Tensor choose(Selector selector, Visibility visibility, Scores scores) {
        return Autograd.withoutGradients(() -> {
            var choices = new ArrayList<Tensor>();
            int from = 0;
            do {
                int to = Math.min(queries, from + length);
                Tensor given = NounContract.scores(scores.of(from, to), selector, Shape.of(batch, to - from, keys));
                Tensor chosen = selector.select(given, visibility.from(from));
                choices.add(NounContract.chosen(chosen, selector, batch, from, to, visibility));
                from = to;
            } while (from < queries);
            return joined(choices);
        });
    }

    /**
     * The same for a selector that is not {@linkplain Selector#scored scored}: it sees zeros.
     *
     * @param backend of the choice
     * @param selector chooses by position
     * @param visibility which keys each query may choose from
     * @return INT32 [batch, queries, chosen]
     * @throws ShapeException if a choice has the wrong shape
     * @throws IllegalArgumentException if a query is given a key that it does not see
     */
    public Tensor choose(Backend backend, Selector selector, Visibility visibility) {
        Tensor whole = backend.tensors().zeros(Shape.of(batch, Math.min(queries, length), keys));
        return choose(selector, visibility, (from, to) -> slice(whole, 1, 0, to - from));
    }

    private static Tensor joined(List<Tensor> choices) {
        if (choices.size() == 1) {
            return choices.getFirst();
        }
        int most = choices.stream().mapToInt(chosen -> chosen.dim(2)).max().orElse(0);
        return concat(1, choices.stream().map(chosen -> padded(chosen, most)).toList());
    }

    private static Tensor padded(Tensor chosen, int places) {
        int width = chosen.dim(2);
        if (width == places) {
            return chosen;
        }
        int[] given = chosen.toInts();
        Shape shape = chosen.shape().withDim(-1, places);
        int[] keys = new int[Math.toIntExact(shape.size())];
        Arrays.fill(keys, -1);
        for (int row = 0; row * places < keys.length; row++) {
            System.arraycopy(given, row * width, keys, row * places, width);
        }
        return Backend.of(chosen).tensors().ints(shape, keys);
    }
}
