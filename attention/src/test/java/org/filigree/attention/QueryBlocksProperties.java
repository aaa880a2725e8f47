package org.filigree.attention;

import static org.filigree.core.op.Slice.slice;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Concat;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Compare;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SlidingKvCache;
import org.junit.jupiter.api.Test;

class QueryBlocksProperties {
    private static final List<Selector> SELECTORS = List.of(
            TopK.of(3),
            TopBlocks.byBest(2, 3),
            TopBlocks.byMean(1, 4),
            SlidingWindow.of(2),
            Union.of(SlidingWindow.of(2), TopK.of(2)),
            Selector.byPosition(visible -> IntStream.range(0, visible % 4).toArray()),
            new All());

    /** How long blocks are makes no difference, but for places that are empty for all. */
    @Property(tries = 100)
    void anyLengthOfBlocksChoosesTheSame(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 3) int batch,
            @ForAll @IntRange(min = 0, max = 9) int queries,
            @ForAll @IntRange(min = 0, max = 9) int earlier,
            @ForAll @IntRange(min = 1, max = 11) int length,
            @ForAll @IntRange(min = 0, max = 6) int selector,
            @ForAll long seed) {
        int keys = queries + earlier;
        Selector choosing = SELECTORS.get(selector);
        Tensor scores = Sample.gaussian("scores", RandomStream.of(seed), batch, queries, keys)
                .on(backend);
        Visibility visibility = Visibility.causal(queries, keys);
        Tensor whole = choosing.select(scores, visibility);
        var asked = new ArrayList<Integer>();
        var blocks = new QueryBlocks(batch, queries, keys, length);
        Tensor inBlocks = blocks.choose(choosing, visibility, (from, to) -> {
            asked.add(from);
            return slice(scores, 1, from, to);
        });
        assertEquals(Shape.of(batch, queries), inBlocks.shape().leading(-1));
        assertRows(whole, inBlocks);
        assertEquals(Math.max(1, Math.ceilDiv(queries, length)), asked.size());
        if (!choosing.scored()) {
            assertRows(whole, blocks.choose(backend, choosing, visibility));
        }
    }

    private static void assertRows(Tensor expected, Tensor actual) {
        int[] wanted = expected.toInts();
        int[] given = actual.toInts();
        int rows = expected.dim(0) * expected.dim(1);
        for (int row = 0; row < rows; row++) {
            assertArrayEquals(row(wanted, row, expected.dim(2)), row(given, row, actual.dim(2)), "row " + row);
        }
    }

    /** Without the empty places at its end. */
    private static int[] row(int[] keys, int row, int places) {
        int end = (row + 1) * places;
        while (end > row * places && keys[end - 1] == -1) {
            end--;
        }
        return Arrays.copyOfRange(keys, row * places, end);
    }

    @Test
    void blocksStayWithinSomeScores() {
        assertEquals(2048, QueryBlocks.of(1, 5000, 2048).length());
        assertEquals(1, QueryBlocks.of(1, 7, 1 << 24).length());
        assertEquals(7, QueryBlocks.of(3, 7, 0).length());
        assertEquals(1, QueryBlocks.of(3, 0, 5).length());
    }

    @Test
    void whatIsWrongInALaterBlockIsNamedByItsPlaceInThePass() {
        Backend backend = TestBackends.get("scalar");
        var blocks = new QueryBlocks(1, 5, 5, 2);
        Visibility causal = Visibility.causal(5, 5);
        Selector ahead = (scores, visibility) -> {
            int[] newest = IntStream.range(0, scores.dim(1))
                    .map(t -> visibility.keys(t) == 4 ? 4 : 0)
                    .toArray();
            return Backend.of(scores).tensors().ints(Shape.of(1, scores.dim(1), 1), newest);
        };
        String future = Thrown.message(
                IllegalArgumentException.class,
                () -> blocks.choose(
                        ahead, causal, (from, to) -> backend.tensors().zeros(Shape.of(1, to - from, 5))));
        assertTrue(future.contains("chose key 4 for token 3"), future);
        String shape = Thrown.message(
                ShapeException.class,
                () -> blocks.choose(
                        TopK.of(1), causal, (from, to) -> backend.tensors().zeros(Shape.of(1, 2, 5))));
        assertTrue(shape.contains("[1, 1, 5]") && shape.contains("[1, 2, 5]"), shape);
    }

    /** The layer's own blocks: the scores of the whole pass take 36 MB, of a chunk through a cache one block. */
    @Test
    void aLongPassIsItsChunksThroughACache() {
        int tokens = 3000;
        int chunk = 1000;
        Backend backend = TestBackends.get("vector");
        LatentAttention layer = LatentAttentionConfig.of(16, 2)
                .withSelector(TopK.of(5))
                .withForm(LatentForm.ABSORBED)
                .init(backend, RandomStream.of(3));
        Tensor x = Sample.gaussian("x", RandomStream.of(1), 1, tokens, 16).on(backend);
        Tensor whole = layer.forward(x, Context.inference());
        try (KvCache cache = new ContiguousKvCache(layer.rowLayout(), tokens)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            var chunks = new ArrayList<Tensor>();
            for (int from = 0; from < tokens; from += chunk) {
                chunks.add(layer.forward(slice(x, 1, from, from + chunk), context));
            }
            Compare.assertClose("outputs", whole, Concat.concat(1, chunks), Tolerance.relative(1e-5));
        }
    }

    @Test
    void everyFourthKeyBackFromTheNewest() {
        Backend backend = TestBackends.get("scalar");
        Selector strided = Selector.byPosition(visible ->
                IntStream.iterate(visible - 1, key -> key >= 0, key -> key - 4).toArray());
        Tensor none = backend.tensors().zeros(Shape.of(2, 3, 7));
        int[] each = {4, 0, 5, 1, 6, 2};
        int[] both = IntStream.concat(IntStream.of(each), IntStream.of(each)).toArray();
        assertArrayEquals(both, strided.select(none, Visibility.causal(3, 7)).toInts());
        assertEquals(Integer.MAX_VALUE, strided.reach());
    }

    @Test
    void aChoiceByPositionNeedsNoScorer() {
        Backend backend = TestBackends.get("scalar");
        Selector lastTwo = Selector.byPosition(
                visible -> IntStream.range(Math.max(0, visible - 2), visible).toArray());
        LatentAttention layer =
                LatentAttentionConfig.of(16, 2).withSelector(lastTwo).init(backend, RandomStream.of(3));
        assertTrue(layer.parameters().asMap().keySet().stream().noneMatch(name -> name.contains("indexer")));
        Tensor x = Sample.gaussian("x", RandomStream.of(1), 2, 6, 16).on(backend);
        Tensor window = layer.withSelector(SlidingWindow.of(2)).forward(x, Context.inference());
        assertArrayEquals(
                window.toFloats(), layer.forward(x, Context.inference()).toFloats());
    }

    @Test
    void aChoiceByDistanceMeansTheSameOverARing() {
        Backend backend = TestBackends.get("scalar");
        Selector strided = Selector.byDistance(6, back -> back % 2 == 1);
        assertArrayEquals(
                new int[] {3, 1, -1, 4, 2, 0, 5, 3, 1},
                strided.select(backend.tensors().zeros(Shape.of(1, 3, 7)), Visibility.causal(3, 7))
                        .toInts());
        assertEquals(6, strided.reach());
        LatentAttention layer =
                LatentAttentionConfig.of(16, 2).withSelector(strided).init(backend, RandomStream.of(3));
        Tensor x = Sample.gaussian("x", RandomStream.of(1), 1, 20, 16).on(backend);
        Tensor whole = layer.forward(x, Context.inference());
        var window = new org.filigree.kvcache.SlidingWindow(6, 3);
        try (KvCache ring = new SlidingKvCache(RowStorage.float32(layer.rowLayout()), window, 64)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(ring));
            for (int from = 0; from < 20; from += 2) {
                Tensor two = layer.forward(slice(x, 1, from, from + 2), context);
                Compare.assertClose("from " + from, slice(whole, 1, from, from + 2), two, Tolerance.float32(64));
            }
        }
    }

    @Test
    void rulesThatCannotBe() {
        assertThrows(IllegalArgumentException.class, () -> Selector.byDistance(0, back -> true));
        Tensor one = TestBackends.get("scalar").tensors().zeros(Shape.of(1, 1, 4));
        @SuppressWarnings("NullAway") // What a user's lambda may do all the same.
        Selector nothing = Selector.byPosition(visible -> null);
        String message = Thrown.message(NullPointerException.class, () -> nothing.select(one, Visibility.causal(1, 4)));
        assertTrue(message.contains("sees 4 keys"), message);
    }
}
