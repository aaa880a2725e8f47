package org.filigree.attention.compressed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.filigree.attention.TopK;
import org.filigree.attention.compressed.SharedHeadConfig.QueryNorm;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.BlockPool;
import org.filigree.kvcache.BlockPoolConfig;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CompressedKvCache;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.KvCacheException.Reason;
import org.filigree.kvcache.PagedSequence;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SequenceCache;
import org.filigree.kvcache.SlidingKvCache;
import org.filigree.kvcache.SlidingWindow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Layers of V4 over sequences of a pool: prefixes are shared where every token has a row, and refused where rows stand for runs. */
class PrefixesAndRunsTest {
    private static final int[] IDS = {1, 2, 3, 4, 5, 6, 7, 8};

    private final Backend backend = TestBackends.get("vector");
    private final Tensor x = Sample.gaussian("x", Seed.of("x"), 1, 13, 7).on(backend);

    private static CompressedAttentionConfig config(Compression compression, EntryChoice choice) {
        return CompressedAttentionConfig.of(8, 2)
                .withHead(new SharedHeadConfig(7, 2, 6, 2, 5, 1, 3, QueryNorm.PER_HEAD, 1e-6))
                .withWindow(5)
                .withCompression(compression, choice);
    }

    private static EntryChoice scored() {
        return new EntryChoice.Scored(CompressedIndexerConfig.of(8, 4), TopK.of(2));
    }

    static List<CompressedAttentionConfig> withARowForEveryToken() {
        return List.of(
                config(new Compression.None(), new EntryChoice.Every()),
                config(new Compression.Unbiased(1), new EntryChoice.Every()),
                config(new Compression.Disjoint(1), scored()),
                config(new Compression.Overlapping(1), scored()));
    }

    static List<CompressedAttentionConfig> withRuns() {
        return List.of(
                config(new Compression.Overlapping(4), scored()),
                config(new Compression.Disjoint(5), new EntryChoice.Every()),
                config(new Compression.Unbiased(2), new EntryChoice.Every()));
    }

    /** Every part of tokens and entries in one row. */
    private static RowLayout layout(CompressedAttentionConfig config) {
        var parts = new ArrayList<>(config.cacheLayout().tokens().parts());
        parts.addAll(config.cacheLayout().entries());
        return new RowLayout(parts);
    }

    private static BlockPool pool(RowLayout layout) {
        return BlockPoolConfig.of(12, 1, RowStorage.float32(layout))
                .withBlockTokens(4)
                .init();
    }

    private static CompressedAttention layer(CompressedAttentionConfig config, Backend backend) {
        return config.init(backend, RandomStream.of(3));
    }

    private float[] decode(CompressedAttention layer, KvCache cache, int from, int to) {
        return layer.forward(
                        Slice.slice(x, 1, from, to), Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache)))
                .toFloats();
    }

    private static String refused(Reason reason, Executable call) {
        KvCacheException failure = assertThrows(KvCacheException.class, call);
        assertEquals(reason, failure.reason());
        return String.valueOf(failure.getMessage());
    }

    @ParameterizedTest
    @MethodSource("withARowForEveryToken")
    void aRowForEveryTokenIsSharedWithItsPrefix(CompressedAttentionConfig config) {
        CompressedAttention layer = layer(config, backend);
        try (BlockPool pool = pool(layout(config));
                KvCache alone = config.cacheLayout().init(20)) {
            try (PagedSequence first = pool.sequence(20)) {
                assertArrayEquals(decode(layer, alone, 0, 8), decode(layer, first.layer(0), 0, 8));
                decode(layer, first.layer(0), 0, 3);
                first.truncate(8);
                first.publish(IDS);
            }
            PagedSequence second = pool.sequence(20, IDS);
            assertEquals(8, second.length());
            assertArrayEquals(decode(layer, alone, 8, 10), decode(layer, second.layer(0), 8, 10));
            PagedSequence fork = second.fork();
            decode(layer, second.layer(0), 0, 3);
            assertArrayEquals(decode(layer, alone, 10, 11), decode(layer, fork.layer(0), 10, 11));
            assertArrayEquals(decode(layer, alone, 11, 13), decode(layer, fork.layer(0), 11, 13));
        }
    }

    @ParameterizedTest
    @MethodSource("withRuns")
    void runsInASequenceOfAPoolAreRefused(CompressedAttentionConfig config) {
        CompressedAttention layer = layer(config, backend);
        RowLayout layout = layout(config);
        try (BlockPool pool = pool(layout)) {
            PagedSequence first = pool.sequence(20);
            for (int tokens = 1; tokens < 9; tokens++) {
                int count = tokens;
                String message = refused(Reason.LAYOUT, () -> decode(layer, first.layer(0), 0, count));
                assertTrue(
                        message.contains(
                                "an entry stands for " + config.compression().ratio() + " tokens"),
                        message);
            }
            first.layer(0)
                    .append(
                            first.layer(0).end(),
                            layout.parts().stream()
                                    .map(part -> backend.tensors().zeros(Shape.of(8, part.width())))
                                    .toList());
            first.publish(IDS);
            PagedSequence second = pool.sequence(20, IDS);
            for (int length = 8; length > 0; length--) {
                second.truncate(length);
                refused(Reason.LAYOUT, () -> decode(layer, second.layer(0), 8, 9));
                assertEquals(length, second.length());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("withRuns")
    void runsBehindAPrefixOfTheirTokensAreRefused(CompressedAttentionConfig config) {
        RowLayout tokens = config.cacheLayout().tokens();
        try (BlockPool pool = pool(tokens);
                KvCache entries =
                        new ContiguousKvCache(new RowLayout(config.cacheLayout().entries()), 20)) {
            PagedSequence first = pool.sequence(20);
            first.layer(0)
                    .append(
                            first.layer(0).end(),
                            tokens.parts().stream()
                                    .map(part -> backend.tensors().zeros(Shape.of(8, part.width())))
                                    .toList());
            first.publish(IDS);
            int ratio = config.compression().ratio();
            PagedSequence second = pool.sequence(20, IDS);
            refused(Reason.LENGTH, () -> new CompressedKvCache(second.layer(0), entries, ratio));
            refused(Reason.LENGTH, () -> new CompressedKvCache(first.fork().layer(0), entries, ratio));
            KvCache missing = second.layer(0);
            refused(Reason.LAYOUT, () -> decode(layer(config, backend), missing, 8, 9));
        }
    }

    /** What is silent if each layer asks its own cache for the position: one opens on a prefix, the other begins at 0. */
    @ParameterizedTest
    @MethodSource("withRuns")
    void aPrefixInSomeLayersOnlyIsRefused(CompressedAttentionConfig config) {
        CompressedAttentionConfig window = config(new Compression.None(), new EntryChoice.Every());
        try (BlockPool pool = pool(layout(window));
                KvCache compressed = config.cacheLayout().init(20)) {
            PagedSequence first = pool.sequence(20);
            decode(layer(window, backend), first.layer(0), 0, 8);
            first.publish(IDS);
            PagedSequence second = pool.sequence(20, IDS);
            String message = refused(Reason.LENGTH, () -> new SequenceCache(List.of(second.layer(0), compressed)));
            assertTrue(message.contains("[8, 0]"), message);
            Context behind = Context.inference().at(8).with(CacheBatch.KEY, CacheBatch.of(compressed));
            refused(Reason.LENGTH, () -> layer(config, backend).forward(Slice.slice(x, 1, 8, 9), behind));
            second.truncate(0);
            assertEquals(0, new SequenceCache(List.of(second.layer(0), compressed)).length());
        }
    }

    @ParameterizedTest
    @MethodSource("withRuns")
    void runsDecodeThroughPagesOfTheirOwn(CompressedAttentionConfig config) {
        CompressedAttention layer = layer(config, backend);
        try (BlockPool tokens = pool(config.cacheLayout().tokens());
                BlockPool entries = pool(new RowLayout(config.cacheLayout().entries()));
                KvCache alone = config.cacheLayout().init(20)) {
            PagedSequence ofTokens = tokens.sequence(20);
            KvCache paged = new CompressedKvCache(
                    ofTokens.layer(0),
                    entries.sequence(20).layer(0),
                    config.compression().ratio());
            for (KvCache each : List.of(alone, paged)) {
                decode(layer, each, 0, 6);
                decode(layer, each, 0, 5);
                each.truncate(7);
            }
            assertArrayEquals(decode(layer, alone, 7, 8), decode(layer, paged, 7, 8));
            assertArrayEquals(decode(layer, alone, 8, 12), decode(layer, paged, 8, 12));
            ofTokens.truncate(1);
            String message = refused(Reason.LENGTH, () -> decode(layer, paged, 1, 2));
            assertTrue(message.contains("truncate tokens and entries together"), message);
        }
    }

    @Test
    void aCacheForOtherRunsIsRefused() {
        CompressedAttentionConfig four = config(new Compression.Disjoint(4), new EntryChoice.Every());
        CompressedAttentionConfig five = config(new Compression.Disjoint(5), new EntryChoice.Every());
        try (KvCache cache = four.cacheLayout().init(20)) {
            refused(Reason.LAYOUT, () -> decode(layer(five, backend), cache, 0, 1));
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "0, 6", "3, 1"})
    void aRingThatIsTooNarrowForTheWindowIsRefusedAtOnce(int slack, int tokens) {
        CompressedAttentionConfig config =
                config(new Compression.None(), new EntryChoice.Every()).withWindow(7);
        RowStorage storage = RowStorage.float32(config.cacheLayout().tokens());
        try (KvCache ring = new SlidingKvCache(storage, new SlidingWindow(3, slack), 20)) {
            String message = refused(Reason.LAYOUT, () -> decode(layer(config, backend), ring, 0, tokens));
            assertTrue(message.contains("the last 7 tokens"), message);
            assertTrue(message.contains("keeps " + (3 + slack)), message);
            assertTrue(message.contains("new SlidingWindow(7, slack)"), message);
            assertEquals(0, ring.length());
        }
    }

    @ParameterizedTest
    @MethodSource("withRuns")
    void aRingThatIsTooNarrowForRunsIsRefusedAtOnce(CompressedAttentionConfig some) {
        CompressedAttentionConfig config = some.withWindow(1);
        CacheLayout layout = config.cacheLayout();
        var narrow = new SlidingWindow(layout.reach() - 1, 0);
        try (KvCache cache = new CompressedKvCache(
                new SlidingKvCache(RowStorage.float32(layout.tokens()), narrow, 20),
                new ContiguousKvCache(new RowLayout(layout.entries()), 20),
                layout.ratio())) {
            String message = refused(Reason.LAYOUT, () -> decode(layer(config, backend), cache, 0, 1));
            assertTrue(message.contains("new SlidingWindow(" + layout.reach() + ", slack)"), message);
            assertEquals(0, cache.length());
        }
    }

    /** A ring of as many tokens as it takes, some of them slack: wide enough until tokens are taken back. */
    @Test
    void aRingThatHasForgottenTheWindowIsRefused() {
        CompressedAttentionConfig config = config(new Compression.None(), new EntryChoice.Every());
        RowStorage storage = RowStorage.float32(config.cacheLayout().tokens());
        try (KvCache ring = new SlidingKvCache(storage, new SlidingWindow(3, 2), 20)) {
            decode(layer(config, backend), ring, 0, 8);
            decode(layer(config, backend), ring, 8, 9);
            ring.truncate(7);
            String message = refused(Reason.LENGTH, () -> decode(layer(config, backend), ring, 7, 8));
            assertTrue(message.contains("window of token 3 but the oldest kept is 4"), message);
            assertEquals(7, ring.length());
        }
    }
}
