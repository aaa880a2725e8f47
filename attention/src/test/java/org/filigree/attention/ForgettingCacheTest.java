package org.filigree.attention;

import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SlidingKvCache;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

/** Latent attention over a ring, which forgets the oldest keys. */
class ForgettingCacheTest {
    private static final int WINDOW = 4;
    private static final int SLACK = 3;

    private static LatentAttention layer(Backend backend, Selector selector) {
        return LatentAttentionConfig.of(16, 2).withSelector(selector).init(backend, RandomStream.of(3));
    }

    private static KvCache ring(LatentAttention layer) {
        return new SlidingKvCache(
                RowStorage.float32(layer.rowLayout()), new org.filigree.kvcache.SlidingWindow(WINDOW, SLACK), 64);
    }

    private static Tensor tokens(Backend backend, int count) {
        return Sample.gaussian("x", RandomStream.of(5), 1, count, 16).on(backend);
    }

    private static Context through(KvCache cache) {
        return Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
    }

    private static String message(KvCacheException refusal) {
        return String.valueOf(refusal.getMessage());
    }

    @ParameterizedTest
    @EveryBackend
    void aWindowReadsWhatARingKeeps(Backend backend) {
        LatentAttention layer = layer(backend, SlidingWindow.of(WINDOW));
        Tensor x = tokens(backend, 23);
        Tensor whole = layer.forward(x, Context.inference());
        try (KvCache cache = ring(layer)) {
            int[] passes = {4, 1, 3, 4, 2, 4, 1, 4};
            int from = 0;
            for (int count : passes) {
                Tensor part = layer.forward(slice(x, 1, from, from + count), through(cache));
                assertClose(
                        "tokens from " + from,
                        slice(whole, 1, from, from + count),
                        part,
                        Tolerance.float32(64).times(4).withFloor(1));
                from += count;
            }
            assertEquals(23, from);
        }
    }

    @Test
    void aChoiceThatReachesFurtherIsRefusedBeforeAnythingIsLeft() {
        Backend backend = TestBackends.get("scalar");
        for (Selector selector :
                new Selector[] {new All(), TopK.of(2), Union.of(SlidingWindow.of(2), TopBlocks.byBest(1, 2))}) {
            LatentAttention layer = layer(backend, selector);
            try (KvCache cache = ring(layer)) {
                KvCacheException refusal =
                        assertThrows(KvCacheException.class, () -> layer.forward(tokens(backend, 1), through(cache)));
                assertEquals(KvCacheException.Reason.LENGTH, refusal.reason());
                assertTrue(message(refusal).contains("keeps " + (WINDOW + SLACK) + " of 64"), message(refusal));
                assertEquals(0, cache.length());
            }
        }
    }

    /** A ring of so few tokens in all forgets none. */
    @Test
    void aRingThatCannotTurnKeepsAll() {
        Backend backend = TestBackends.get("scalar");
        LatentAttention layer = layer(backend, new All());
        var window = new org.filigree.kvcache.SlidingWindow(WINDOW, SLACK);
        try (KvCache cache = new SlidingKvCache(RowStorage.float32(layer.rowLayout()), window, WINDOW + SLACK)) {
            layer.forward(tokens(backend, WINDOW + SLACK), through(cache));
            assertEquals(WINDOW + SLACK, cache.length());
        }
    }

    /** All caches are looked at before anything is appended to the first, also where no token comes. */
    @Test
    void aWrongCacheLeavesTheOthersAlone() {
        Backend backend = TestBackends.get("scalar");
        LatentAttention layer = layer(backend, new All());
        Tensor two = Sample.gaussian("x", RandomStream.of(5), 2, 3, 16).on(backend);
        try (KvCache good = new ContiguousKvCache(layer.rowLayout(), 8);
                KvCache ring = ring(layer);
                KvCache other = new ContiguousKvCache(RowLayout.of("other", 4), 8);
                KvCache small = new ContiguousKvCache(layer.rowLayout(), 2)) {
            for (KvCache wrong : new KvCache[] {ring, other, small}) {
                Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(good, wrong));
                assertThrows(KvCacheException.class, () -> layer.forward(two, context));
                assertEquals(0, good.length());
            }
            for (KvCache wrong : new KvCache[] {ring, other}) {
                Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(good, wrong));
                assertThrows(KvCacheException.class, () -> layer.forward(slice(two, 1, 0, 0), context));
                assertEquals(0, good.length());
            }
            assertThrows(KvCacheException.class, () -> layer.forward(slice(two, 1, 0, 0), through(good)));
            assertEquals(
                    Shape.of(1, 0, 16),
                    layer.forward(tokens(backend, 0), through(good)).shape());
        }
    }

    @Test
    void aPassThatPushesOutItsOwnWindowIsRefused() {
        Backend backend = TestBackends.get("scalar");
        LatentAttention layer = layer(backend, SlidingWindow.of(WINDOW));
        try (KvCache cache = ring(layer)) {
            layer.forward(tokens(backend, WINDOW), through(cache));
            KvCacheException refusal = assertThrows(
                    KvCacheException.class, () -> layer.forward(tokens(backend, SLACK + 2), through(cache)));
            assertEquals(KvCacheException.Reason.LENGTH, refusal.reason());
            assertTrue(message(refusal).contains("from 1 on"), message(refusal));
            assertTrue(message(refusal).contains("begins at 2"), message(refusal));
            assertEquals(WINDOW, cache.length());
            layer.forward(tokens(backend, SLACK + 1), through(cache));
        }
    }
}
