package org.filigree.attention;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.GenerationMode;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Gather;
import org.filigree.core.op.Reshape;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.BlockPool;
import org.filigree.kvcache.BlockPoolConfig;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheSnapshot;
import org.filigree.kvcache.KvCacheConfig;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.PagedSequence;
import org.filigree.kvcache.PoolMemory;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SequenceCache;
import org.filigree.kvcache.TiledRows;
import org.filigree.kvcache.TiledRows.Code;
import org.filigree.kvcache.TiledRows.Placement;
import org.filigree.kvcache.TiledRows.Scale;
import org.filigree.kvcache.TiledRows.ScaleRule;

/**
 * Two layers of latent attention that decode through sequences of a pool: the same bits as alone, each in a cache of its own, whatever the
 * sequences share and whatever has happened to them.
 */
class PooledAttentionProperties {
    private static final int CAPACITY = 64;
    private static final int BLOCK = 4;

    /** What keys are chosen, in which form, and how rows are stored. */
    record Setting(Selector selector, LatentForm form, Rows rows) {
        Model model(Backend backend) {
            return Model.init(backend, this);
        }
    }

    enum Rows {
        FLOAT32,
        BFLOAT16,
        FP8;

        RowStorage of(LatentAttention layer) {
            return switch (this) {
                case FLOAT32 -> RowStorage.float32(layer.rowLayout());
                case BFLOAT16 -> RowStorage.bfloat16(layer.rowLayout());
                case FP8 -> {
                    RowStorage storage = RowStorage.float32(layer.rowLayout())
                            .with(
                                    new TiledRows(
                                            64,
                                            16,
                                            16,
                                            Code.E4M3,
                                            Scale.E8M0,
                                            Placement.BEHIND_ROWS,
                                            96,
                                            ScaleRule.MODEL),
                                    LatentAttention.LATENT,
                                    LatentAttention.ROTARY_KEY);
                    yield layer.config().selection().scorer() instanceof NoScorer
                            ? storage
                            : storage.with(TiledRows.fp8IndexKeys(16), LatentAttention.SCORER_KEY);
                }
            };
        }
    }

    @Provide
    Arbitrary<Setting> settings() {
        return settings(List.of(LatentForm.EXPANDED, LatentForm.ABSORBED), List.of(Rows.FLOAT32, Rows.FP8));
    }

    @Provide
    Arbitrary<Setting> allSettings() {
        return settings(List.of(LatentForm.values()), List.of(Rows.values()));
    }

    private static Arbitrary<Setting> settings(List<LatentForm> forms, List<Rows> rows) {
        return Combinators.combine(Arbitraries.of(new All(), TopK.of(3)), Arbitraries.of(forms), Arbitraries.of(rows))
                .as(Setting::new);
    }

    /** Two layers behind each other, so that what the second leaves in its cache depends on what the first has attended to. */
    record Model(List<LatentAttention> layers, Tensor embedding, RowStorage storage) {
        static Model init(Backend backend, Setting setting) {
            LatentAttentionConfig config = LatentAttentionConfig.of(32, 2)
                    .withHead(new HeadWidths(16, 16, 16))
                    .withLatent(64)
                    .withForm(setting.form());
            if (setting.selector().scored()) {
                config = config.withScorer(IndexerConfig.of(4, 16));
            }
            config = config.withSelector(setting.selector());
            var layers = List.of(
                    config.init(backend, Seed.of("first layer")), config.init(backend, Seed.of("second layer")));
            Tensor embedding =
                    Sample.gaussian("embedding", Seed.of("embedding"), 50, 32).on(backend);
            return new Model(layers, embedding, setting.rows().of(layers.getFirst()));
        }

        /** The outputs of some tokens behind those that the caches hold. */
        float[] decode(SequenceCache caches, int... ids) {
            Backend backend = Backend.of(embedding);
            int start = caches.length();
            Tensor x = Reshape.insertAxis(
                    Gather.gather(embedding, backend.tensors().ints(Shape.of(ids.length), ids)), 0);
            for (int l = 0; l < layers.size(); l++) {
                Context context =
                        Context.inference().at(start).with(CacheBatch.KEY, CacheBatch.layer(List.of(caches), l));
                x = add(x, layers.get(l).forward(x, context));
            }
            return x.toFloats();
        }

        SequenceCache contiguous() {
            return KvCacheConfig.of(CAPACITY, layers.size(), storage).init();
        }

        BlockPool pool(int blocks, int blockTokens) {
            return BlockPoolConfig.of(blocks, layers.size(), storage)
                    .withBlockTokens(blockTokens)
                    .init();
        }

        /** Each chunk's outputs, through a cache that nothing else has touched. */
        List<float[]> alone(int[]... chunks) {
            try (SequenceCache caches = contiguous()) {
                return Arrays.stream(chunks).map(ids -> decode(caches, ids)).toList();
            }
        }
    }

    private static int[] ids(int from, int to) {
        return IntStream.range(from, to).map(i -> i * 7 % 50).toArray();
    }

    @Property(generation = GenerationMode.EXHAUSTIVE)
    void aPagedSequenceGivesTheBitsOfAContiguousOne(
            @ForAll("settings") Setting setting, @ForAll(supplier = AnyBackend.class) Backend backend) {
        Model model = setting.model(backend);
        int[][] chunks = {ids(0, 9), ids(9, 10), ids(10, 13), ids(13, 14), ids(14, 33), ids(33, 34)};
        List<float[]> alone = model.alone(chunks);
        try (BlockPool pool = model.pool(24, BLOCK);
                PagedSequence sequence = pool.sequence(CAPACITY);
                PagedSequence beside = pool.sequence(CAPACITY)) {
            for (int i = 0; i < chunks.length; i++) {
                assertArrayEquals(alone.get(i), model.decode(sequence.caches(), chunks[i]), "chunk " + i);
                model.decode(beside.caches(), 3, 1, 4);
            }
        }
    }

    @Property(generation = GenerationMode.EXHAUSTIVE)
    void forksInTheMiddleOfABlockGoOnAsIfAlone(
            @ForAll("settings") Setting setting, @ForAll(supplier = AnyBackend.class) Backend backend) {
        Model model = setting.model(backend);
        int[] prompt = ids(0, 10);
        List<float[]> one = model.alone(prompt, new int[] {1}, new int[] {2, 3}, new int[] {4});
        List<float[]> other = model.alone(prompt, new int[] {5}, new int[] {6, 7}, new int[] {8});
        try (BlockPool pool = model.pool(8, BLOCK);
                PagedSequence origin = pool.sequence(CAPACITY)) {
            model.decode(origin.caches(), prompt);
            PagedSequence fork = origin.fork();
            assertEquals(3, pool.memory().referenced());
            assertArrayEquals(one.get(1), model.decode(origin.caches(), 1));
            assertArrayEquals(other.get(1), model.decode(fork.caches(), 5));
            assertEquals(4, pool.memory().referenced());
            assertArrayEquals(other.get(2), model.decode(fork.caches(), 6, 7));
            assertArrayEquals(one.get(2), model.decode(origin.caches(), 2, 3));
            assertArrayEquals(one.get(3), model.decode(origin.caches(), 4));
            assertArrayEquals(other.get(3), model.decode(fork.caches(), 8));
        }
    }

    /** Ten of the twelve tokens of two prompts are common, and so two blocks of four. */
    @Property(generation = GenerationMode.EXHAUSTIVE)
    void aPublishedPrefixIsComputedAndStoredOnce(
            @ForAll("settings") Setting setting, @ForAll(supplier = AnyBackend.class) Backend backend) {
        Model model = setting.model(backend);
        int[] shared = ids(0, 8);
        int[] first = {40, 41, 42, 43};
        int[] second = {40, 41, 44, 45};
        int[] secondPrompt =
                IntStream.concat(Arrays.stream(shared), Arrays.stream(second)).toArray();
        try (BlockPool pool = model.pool(16, BLOCK);
                PagedSequence one = pool.sequence(CAPACITY)) {
            List<float[]> alone = model.alone(shared, first, new int[] {9});
            model.decode(one.caches(), shared);
            assertArrayEquals(alone.get(1), model.decode(one.caches(), first));
            one.publish(IntStream.concat(Arrays.stream(shared), Arrays.stream(first))
                    .toArray());
            PagedSequence two = pool.sequence(CAPACITY, secondPrompt);
            assertEquals(8, two.length());
            assertEquals(new PoolMemory(pool.memory().reservedBytes(), 16, 3, 0, 13), pool.memory());
            List<float[]> aloneToo = model.alone(shared, second, new int[] {9});
            float[] rest = model.decode(two.caches(), second);
            assertArrayEquals(aloneToo.get(1), rest);
            // Its prompt in one pass: other kernels, other rounding, which a row of FP8 would widen to a code.
            if (setting.rows() == Rows.FLOAT32) {
                float[] atOnce = model.alone(secondPrompt).getFirst();
                Tolerance tolerance = Tolerance.float32(80).times(16).withFloor(1);
                assertClose("rest", Arrays.copyOfRange(atOnce, 8 * 32, 12 * 32), rest, tolerance);
            }
            assertEquals(4, pool.memory().referenced());
            assertArrayEquals(Arrays.copyOf(one.table(), 2), Arrays.copyOf(two.table(), 2));
            assertArrayEquals(aloneToo.get(2), model.decode(two.caches(), 9));
            assertArrayEquals(alone.get(2), model.decode(one.caches(), 9));
            assertEquals(6, pool.memory().referenced());
        }
    }

    @Property(generation = GenerationMode.EXHAUSTIVE)
    void guessesThatAreTakenBackLeaveNothing(
            @ForAll("settings") Setting setting, @ForAll(supplier = AnyBackend.class) Backend backend) {
        Model model = setting.model(backend);
        int[] guesses = {11, 12, 13, 14, 15};
        try (BlockPool pool = model.pool(8, BLOCK);
                PagedSequence sequence = pool.sequence(CAPACITY);
                SequenceCache contiguous = model.contiguous()) {
            for (SequenceCache each : List.of(contiguous, sequence.caches())) {
                model.decode(each, ids(0, 6));
                model.decode(each, guesses);
                each.truncate(8);
            }
            assertEquals(2, pool.memory().referenced());
            float[] next = model.decode(contiguous, 21);
            assertArrayEquals(next, model.decode(sequence.caches(), 21));
            // Every token by itself, so that passes of other lengths cannot differ in rounding.
            try (PagedSequence single = pool.sequence(CAPACITY)) {
                int[] kept = {0, 7, 14, 21, 28, 35, 11, 12};
                for (int id : kept) {
                    model.decode(single.caches(), id);
                }
                for (int guess : new int[] {13, 14, 15}) {
                    model.decode(single.caches(), guess);
                }
                single.truncate(8);
                assertArrayEquals(
                        lastOfSingleSteps(
                                model,
                                IntStream.concat(Arrays.stream(kept), IntStream.of(21))
                                        .toArray()),
                        model.decode(single.caches(), 21));
            }
        }
    }

    private static float[] lastOfSingleSteps(Model model, int[] ids) {
        return model.alone(Arrays.stream(ids).mapToObj(id -> new int[] {id}).toArray(int[][]::new))
                .getLast();
    }

    @Property(generation = GenerationMode.EXHAUSTIVE)
    void whatWasEvictedIsComputedAgain(
            @ForAll("settings") Setting setting, @ForAll(supplier = AnyBackend.class) Backend backend) {
        Model model = setting.model(backend);
        int[] prompt = ids(0, 9);
        List<float[]> alone = model.alone(prompt, new int[] {1});
        try (BlockPool pool = model.pool(4, BLOCK)) {
            try (PagedSequence first = pool.sequence(CAPACITY)) {
                model.decode(first.caches(), prompt);
                first.publish(prompt);
            }
            assertEquals(2, pool.memory().cached());
            try (PagedSequence pressing = pool.sequence(CAPACITY)) {
                model.decode(pressing.caches(), ids(20, 33));
                assertEquals(0, pool.memory().cached());
            }
            try (PagedSequence again = pool.sequence(CAPACITY, prompt)) {
                assertEquals(0, again.length());
                assertArrayEquals(alone.get(0), model.decode(again.caches(), prompt));
                assertArrayEquals(alone.get(1), model.decode(again.caches(), 1));
            }
        }
    }

    @Property(generation = GenerationMode.EXHAUSTIVE)
    void aForkOfASharedPrefixGoesOnElsewhere(@ForAll("allSettings") Setting setting) throws IOException {
        Model model = setting.model(TestBackends.get("vector"));
        int[] shared = ids(0, 8);
        List<float[]> alone = model.alone(shared, new int[] {1, 2}, new int[] {3}, new int[] {4});
        Path file = Files.createTempFile("pooled", ".cache");
        try (BlockPool pool = model.pool(8, BLOCK);
                BlockPool otherPool = model.pool(8, 3);
                SequenceCache contiguous = model.contiguous()) {
            PagedSequence first = pool.sequence(CAPACITY);
            model.decode(first.caches(), shared);
            first.publish(shared);
            PagedSequence second = pool.sequence(CAPACITY, shared);
            model.decode(second.caches(), 1, 2);
            PagedSequence fork = second.fork();
            assertArrayEquals(alone.get(2), model.decode(fork.caches(), 3));
            model.decode(second.caches(), 9, 9, 9);
            model.decode(fork.caches(), 5, 6);
            fork.truncate(11);
            CacheSnapshot.write(file, "model", fork.caches());
            PagedSequence restored = otherPool.sequence(CAPACITY);
            CacheSnapshot.restore(file, "model", restored.caches());
            CacheSnapshot.restore(file, "model", contiguous);
            assertArrayEquals(alone.get(3), model.decode(restored.caches(), 4));
            assertArrayEquals(alone.get(3), model.decode(contiguous, 4));
            assertArrayEquals(alone.get(3), model.decode(fork.caches(), 4));
        } finally {
            Files.delete(file);
        }
    }

    /** Something that happens to one of the sequences of a pool. */
    record Event(Kind kind, int which, int how) {
        enum Kind {
            OPEN,
            STEP,
            FORK,
            GUESS,
            BACK,
            PUBLISH,
            CLOSE
        }
    }

    @Provide
    Arbitrary<Event> events() {
        return Combinators.combine(
                        Arbitraries.of(
                                Event.Kind.OPEN,
                                Event.Kind.STEP,
                                Event.Kind.STEP,
                                Event.Kind.STEP,
                                Event.Kind.STEP,
                                Event.Kind.FORK,
                                Event.Kind.GUESS,
                                Event.Kind.BACK,
                                Event.Kind.PUBLISH,
                                Event.Kind.CLOSE),
                        Arbitraries.integers().between(0, 5),
                        Arbitraries.integers().between(0, 11))
                .as(Event::new);
    }

    /** A sequence of the pool and the ids of its tokens. */
    private record Live(PagedSequence sequence, List<Integer> ids) {}

    /** Every sequence steps token by token, so that the bits of an output depend on the ids before it alone. */
    @Property(tries = 20)
    void whateverHappensEverySequenceIsAsIfAlone(
            @ForAll("allSettings") Setting setting,
            @ForAll("coreBackends") Backend backend,
            @ForAll @Size(min = 20, max = 60) List<@From("events") Event> events) {
        Model model = setting.model(backend);
        try (BlockPool pool = model.pool(9, BLOCK)) {
            var story = new Story(model, pool, new ArrayList<>(), new ArrayList<>(), new HashMap<>());
            for (Event event : events) {
                story.happens(event);
                story.accounts();
            }
        }
    }

    @Provide
    Arbitrary<Backend> coreBackends() {
        return Arbitraries.of(TestBackends.all(TestBackends.CORE));
    }

    /**
     * A pool and its sequences.
     *
     * @param model decodes
     * @param pool of all sequences
     * @param live sequences that are open
     * @param published ids, also of sequences that were closed or have gone back since
     * @param alone the output of the last of some ids in a cache that nothing else has touched
     */
    private record Story(
            Model model,
            BlockPool pool,
            List<Live> live,
            List<List<Integer>> published,
            Map<List<Integer>, float[]> alone) {
        void happens(Event event) {
            if (live.isEmpty() || event.kind() == Event.Kind.OPEN) {
                open(event.how());
                return;
            }
            Live each = live.get(event.which() % live.size());
            int length = each.ids().size();
            switch (event.kind()) {
                case STEP -> step(each, event.how() % 3);
                case FORK -> live.add(new Live(each.sequence().fork(), new ArrayList<>(each.ids())));
                case GUESS -> {
                    for (int guess = 0; guess < 5; guess++) {
                        step(each, event.how() % 3);
                    }
                    goBack(each, Math.min(each.ids().size(), length + 2));
                }
                case BACK -> goBack(each, Math.max(0, length - event.how()));
                case PUBLISH -> {
                    each.sequence().publish(array(each.ids()));
                    published.add(List.copyOf(each.ids()));
                }
                case CLOSE -> {
                    each.sequence().close();
                    live.remove(each);
                }
                case OPEN -> throw new AssertionError(event);
            }
        }

        private static void goBack(Live each, int kept) {
            each.sequence().truncate(kept);
            each.ids().subList(kept, each.ids().size()).clear();
        }

        /** A prompt that others have begun with, if there was one, whose rest is computed. */
        private void open(int which) {
            List<Integer> prompt =
                    published.isEmpty() ? List.of(0, 1, 2, 0, 1) : published.get(which % published.size());
            PagedSequence sequence = pool.sequence(CAPACITY, array(prompt));
            Live opened = new Live(sequence, new ArrayList<>(prompt.subList(0, sequence.length())));
            live.add(opened);
            for (int id : prompt.subList(sequence.length(), prompt.size())) {
                step(opened, id);
            }
            step(opened, which % 3);
        }

        /** One token more, unless the pool or the sequence is full, and then nothing has changed. */
        private void step(Live each, int id) {
            SequenceCache caches = each.sequence().caches();
            float[] output;
            try {
                output = model.decode(caches, id);
            } catch (KvCacheException full) {
                assertEquals(KvCacheException.Reason.EXHAUSTED, full.reason());
                assertEquals(each.ids().size(), caches.layer(0).length());
                return;
            }
            each.ids().add(id);
            List<Integer> ids = List.copyOf(each.ids());
            if (!alone.containsKey(ids)) {
                try (SequenceCache own = model.contiguous()) {
                    for (int end = 1; end <= ids.size(); end++) {
                        alone.put(ids.subList(0, end), model.decode(own, ids.get(end - 1)));
                    }
                }
            }
            assertArrayEquals(alone.get(ids), output, () -> "after " + ids);
        }

        void accounts() {
            long held = live.stream()
                    .flatMapToInt(each -> Arrays.stream(each.sequence().table()))
                    .distinct()
                    .count();
            PoolMemory memory = pool.memory();
            assertEquals(held, memory.referenced());
            assertEquals(memory.blocks(), memory.referenced() + memory.cached() + memory.free());
            assertTrue(memory.cached() >= 0);
        }
    }

    private static int[] array(List<Integer> ids) {
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }
}
