package org.filigree.attention.compressed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.filigree.attention.LatentAttention;
import org.filigree.attention.LatentAttentionConfig;
import org.filigree.attention.LatentForm;
import org.filigree.attention.TopBlocks;
import org.filigree.attention.TopK;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.BlockPool;
import org.filigree.kvcache.BlockPoolConfig;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.KvCacheException.Reason;
import org.filigree.kvcache.PagedSequence;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SlidingKvCache;
import org.filigree.kvcache.SlidingWindow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two passes through one handle: whichever is overtaken is refused, or gives what it would give alone, to the last bit. What the cache
 * holds in the end are the rows of the passes that were not refused.
 */
class SharedHandleTest {
    private static final int WIDTH = 8;
    private static final int PROMPT = 9;
    private static final int CAPACITY = 80;

    record Model(String name, Backend backend, Layer layer, Supplier<KvCache> caches) {
        Tensor token(int number) {
            return Sample.gaussian("token " + number, Seed.of("shared handle"), 1, 1, WIDTH)
                    .on(backend);
        }

        /** A prompt, then numbered tokens one by one; the output of the last pass. */
        float[] alone(KvCache cache, int... tokens) {
            Tensor prompt = Sample.gaussian("prompt", Seed.of("shared handle"), 1, PROMPT, WIDTH)
                    .on(backend);
            float[] last = pass(cache, prompt, 0);
            for (int token : tokens) {
                last = pass(cache, token(token), 0);
            }
            return last;
        }

        float[] pass(KvCache cache, Tensor x, int start) {
            return layer.forward(
                            x,
                            Context.inference()
                                    .at(start)
                                    .with(Sources.KEY, new Sources())
                                    .with(CacheBatch.KEY, CacheBatch.of(cache)))
                    .toFloats();
        }

        void assertHolds(KvCache cache, int... tokens) {
            assertEquals(PROMPT + tokens.length, cache.length());
            try (KvCache lone = caches.get()) {
                alone(lone, tokens);
                for (RowLayout.Part part : cache.layout().parts()) {
                    assertArrayEquals(
                            lone.view(part.name(), backend).toFloats(),
                            cache.view(part.name(), backend).toFloats(),
                            part.name());
                }
            }
        }

        @Override
        public String toString() {
            return name + " on " + backend.name();
        }
    }

    static List<Model> models() {
        var models = new ArrayList<Model>();
        for (String name : List.of("scalar", "vector")) {
            Backend backend = TestBackends.get(name);
            LatentAttention dense = LatentAttentionConfig.of(WIDTH, 2).init(backend, RandomStream.of(1));
            LatentAttention sparse =
                    LatentAttentionConfig.of(WIDTH, 2).withSelector(TopK.of(3)).init(backend, RandomStream.of(1));
            models.add(latent("expanded latent", dense.withForm(LatentForm.EXPANDED), backend));
            models.add(latent("absorbed latent", dense.withForm(LatentForm.ABSORBED), backend));
            models.add(latent("sparse latent", sparse, backend));
            var head = new SharedHeadConfig(WIDTH, 2, 6, 2, 5, 1, 3, SharedHeadConfig.QueryNorm.PER_HEAD, 1e-6);
            CompressedAttentionConfig compressed = CompressedAttentionConfig.of(WIDTH, 2)
                    .withHead(head)
                    .withWindow(3)
                    .withCompression(
                            new Compression.Overlapping(2),
                            new EntryChoice.Scored(CompressedIndexerConfig.of(8, 4), TopK.of(2)));
            CompressedAttention layer = compressed.init(backend, RandomStream.of(2));
            CacheLayout layout = compressed.cacheLayout();
            models.add(new Model("compressed", backend, layer, () -> layout.init(CAPACITY)));
            models.add(new Model("compressed, ring", backend, layer, () -> layout.initSliding(CAPACITY, 1)));
            var pattern = new SourcePattern(List.of(2), List.of(0), List.of(0), 0, TopBlocks.byBest(2, 2));
            SourcedAttentionConfig sourced = SourcedAttentionConfig.layers(
                            pattern,
                            new SharedHeadConfig(WIDTH, 2, 6, 2, 5, 1, 3, SharedHeadConfig.QueryNorm.NONE, 1e-20),
                            3,
                            compressed.rotary(),
                            LatentIndexerConfig.of(8, 4),
                            2)
                    .getFirst();
            models.add(new Model(
                    "sourced",
                    backend,
                    sourced.init(backend, RandomStream.of(3)),
                    () -> sourced.cacheLayout().init(CAPACITY)));
        }
        return models;
    }

    private static Model latent(String name, LatentAttention layer, Backend backend) {
        return new Model(name, backend, layer, () -> new ContiguousKvCache(layer.rowLayout(), CAPACITY));
    }

    private static String refused(Reason reason, Runnable pass) {
        KvCacheException failure = assertThrows(KvCacheException.class, pass::run);
        assertEquals(reason, failure.reason());
        return String.valueOf(failure.getMessage());
    }

    @ParameterizedTest
    @MethodSource("models")
    void aPassThatIsOvertakenBeforeItAppendsIsRefused(Model model) {
        try (KvCache cache = model.caches.get()) {
            model.alone(cache);
            KvCache overtaken = new OvertakenCache(cache, () -> model.pass(cache, model.token(1), 0), () -> {});
            String message = refused(Reason.LENGTH, () -> model.pass(overtaken, model.token(2), 0));
            assertTrue(message.startsWith("append: "), message);
            assertTrue(message.contains("for position 9 but the cache holds 10 tokens"), message);
            assertTrue(message.contains("another thread or another layer uses the same handle"), message);
            model.assertHolds(cache, 1);
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void aPassDoesNotSeeWhatIsAppendedBehindIt(Model model) {
        try (KvCache cache = model.caches.get();
                KvCache lone = model.caches.get()) {
            model.alone(cache);
            var other = new ArrayList<float[]>();
            KvCache overtaken = new OvertakenCache(cache, () -> {}, () -> {
                other.add(model.pass(cache, model.token(2), 0));
            });
            assertArrayEquals(model.alone(lone, 1), model.pass(overtaken, model.token(1), 0));
            assertArrayEquals(model.pass(lone, model.token(2), 0), other.getFirst());
            model.assertHolds(cache, 1, 2);
        }
    }

    /** The length alone would not tell: a token is replaced by another. */
    @ParameterizedTest
    @MethodSource("models")
    void aPassBehindTokensThatWereReplacedIsRefused(Model model) {
        try (KvCache cache = model.caches.get()) {
            model.alone(cache, 1);
            KvCache overtaken = new OvertakenCache(
                    cache,
                    () -> {
                        cache.truncate(PROMPT);
                        model.pass(cache, model.token(2), 0);
                    },
                    () -> {});
            String message = refused(Reason.STALE, () -> model.pass(overtaken, model.token(3), 0));
            assertTrue(message.contains("behind 10 tokens, of which some were taken back"), message);
            model.assertHolds(cache, 2);
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void aPassWhoseOwnRowsWereReplacedIsRefused(Model model) {
        try (KvCache cache = model.caches.get()) {
            model.alone(cache);
            KvCache overtaken = new OvertakenCache(cache, () -> {}, () -> {
                cache.truncate(PROMPT);
                model.pass(cache, model.token(2), 0);
            });
            String message = refused(Reason.STALE, () -> model.pass(overtaken, model.token(1), 0));
            assertTrue(message.startsWith("rows: "), message);
            model.assertHolds(cache, 2);
        }
    }

    /** A ring that another pass has turned has lost what this one would see. */
    @Test
    void aPassOverARingThatHasTurnedIsRefused() {
        Backend backend = TestBackends.get("vector");
        LatentAttention layer = LatentAttentionConfig.of(WIDTH, 2)
                .withSelector(new org.filigree.attention.SlidingWindow(3))
                .init(backend, RandomStream.of(1));
        var model = new Model(
                "ring",
                backend,
                layer,
                () -> new SlidingKvCache(
                        RowStorage.float32(layer.rowLayout()), new SlidingWindow(PROMPT + 1, 0), CAPACITY));
        try (KvCache cache = model.caches.get()) {
            model.alone(cache);
            KvCache overtaken = new OvertakenCache(cache, () -> {}, () -> model.pass(cache, model.token(2), 0));
            String message = refused(Reason.STALE, () -> model.pass(overtaken, model.token(1), 0));
            assertTrue(message.contains("those before 1 overwritten"), message);
        }
    }

    @Test
    void oneHandleForTwoSequencesOfABatchIsRefused() {
        Model model = models().getFirst();
        try (KvCache cache = model.caches.get();
                BlockPool pool = BlockPoolConfig.of(4, 1, RowStorage.float32(cache.layout()))
                        .init()) {
            String message = refused(Reason.LAYOUT, () -> CacheBatch.of(cache, cache));
            assertTrue(message.contains("sequences 0 and 1 have the same cache"), message);
            PagedSequence sequence = pool.sequence(9);
            refused(Reason.LAYOUT, () -> CacheBatch.layer(List.of(sequence.caches(), sequence.caches()), 0));
            assertEquals(
                    2,
                    CacheBatch.of(sequence.layer(0), sequence.fork().layer(0))
                            .sequences()
                            .size());
        }
    }

    /** Two threads offer a token each for the same position, again and again: one of them wins. */
    @ParameterizedTest
    @MethodSource("models")
    void ofTwoThreadsAtOnePositionOneWins(Model model) throws Exception {
        int rounds = 12;
        var wins = new ConcurrentSkipListMap<Integer, Integer>();
        var outputs = new ConcurrentSkipListMap<Integer, float[]>();
        try (KvCache cache = model.caches.get();
                var threads = Executors.newFixedThreadPool(2)) {
            model.alone(cache);
            var barrier = new CyclicBarrier(2);
            var tasks = new ArrayList<Callable<Integer>>();
            for (int t = 0; t < 2; t++) {
                int thread = t;
                tasks.add(() -> {
                    int won = 0;
                    for (int round = 0; round < rounds; round++) {
                        barrier.await(60, TimeUnit.SECONDS);
                        int number = 2 * round + thread;
                        try {
                            outputs.put(PROMPT + round, model.pass(cache, model.token(number), PROMPT + round));
                            assertEquals(null, wins.put(PROMPT + round, number));
                            won++;
                        } catch (KvCacheException overtaken) {
                            assertTrue(
                                    Set.of(Reason.LENGTH, Reason.STALE).contains(overtaken.reason()),
                                    String.valueOf(overtaken.getMessage()));
                        }
                        barrier.await(60, TimeUnit.SECONDS);
                    }
                    return won;
                });
            }
            int won = 0;
            for (var done : threads.invokeAll(tasks)) {
                won += done.get();
            }
            assertEquals(rounds, won);
            int[] order = wins.values().stream().mapToInt(Integer::intValue).toArray();
            model.assertHolds(cache, order);
            assertAlone(model, order, outputs);
        }
    }

    /** Two threads decode as fast as they can, each until all of its tokens are taken. */
    @ParameterizedTest
    @MethodSource("models")
    void whatTwoThreadsDecodeIsWhatOneWould(Model model) throws Exception {
        int each = 15;
        var tokens = new ConcurrentSkipListMap<Integer, Integer>();
        var outputs = new ConcurrentSkipListMap<Integer, float[]>();
        try (KvCache cache = model.caches.get();
                var threads = Executors.newFixedThreadPool(2)) {
            model.alone(cache);
            var tasks = new ArrayList<Callable<Integer>>();
            for (int t = 0; t < 2; t++) {
                int first = 100 * t;
                tasks.add(() -> {
                    for (int token = first; token < first + each; ) {
                        int position = cache.length();
                        try {
                            outputs.put(position, model.pass(cache, model.token(token), position));
                            assertEquals(null, tokens.put(position, token));
                            token++;
                        } catch (KvCacheException overtaken) {
                            assertTrue(
                                    Set.of(Reason.LENGTH, Reason.STALE).contains(overtaken.reason()),
                                    String.valueOf(overtaken.getMessage()));
                        }
                    }
                    return each;
                });
            }
            for (var done : threads.invokeAll(tasks)) {
                done.get();
            }
            assertEquals(IntStream.range(PROMPT, PROMPT + 2 * each).boxed().toList(), List.copyOf(tokens.keySet()));
            int[] order = tokens.values().stream().mapToInt(Integer::intValue).toArray();
            model.assertHolds(cache, order);
            assertAlone(model, order, outputs);
        }
    }

    private static void assertAlone(Model model, int[] order, ConcurrentSkipListMap<Integer, float[]> outputs) {
        try (KvCache lone = model.caches.get()) {
            model.alone(lone);
            for (int token : order) {
                int position = lone.length();
                assertArrayEquals(
                        model.pass(lone, model.token(token), 0), outputs.get(position), "position " + position);
            }
        }
    }
}
