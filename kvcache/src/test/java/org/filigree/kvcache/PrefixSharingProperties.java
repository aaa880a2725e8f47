package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.statistics.Statistics;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;

/**
 * A pool that is short of blocks, in long use by sequences that open on prefixes, guess, take back, fork, publish and close, beside
 * {@link PlainPool}, which predicts everything: prefixes found, who shares which block, how many are held, remembered and free, and which call
 * finds the pool exhausted.
 */
class PrefixSharingProperties {
    private static final int CAPACITY = 24;
    private static final int LAYERS = 2;
    private static final int MOST_OPEN = 4;

    enum Kind {
        OPEN,
        APPEND,
        GUESS,
        TRUNCATE,
        FORK,
        PUBLISH,
        CLOSE
    }

    /** What to do, to which of the open sequences, and how much. */
    record Step(Kind kind, int which, int amount) {}

    @Provide
    Arbitrary<List<Step>> steps() {
        Arbitrary<Kind> kind = Arbitraries.frequency(
                Tuple.of(5, Kind.OPEN),
                Tuple.of(8, Kind.APPEND),
                Tuple.of(4, Kind.GUESS),
                Tuple.of(3, Kind.TRUNCATE),
                Tuple.of(3, Kind.FORK),
                Tuple.of(6, Kind.PUBLISH),
                Tuple.of(5, Kind.CLOSE));
        return Combinators.combine(kind, uniform(6), uniform(8))
                .as(Step::new)
                .list()
                .ofMinSize(60)
                .ofMaxSize(150);
    }

    private static Arbitrary<Integer> uniform(int most) {
        return Arbitraries.integers().between(0, most).withDistribution(RandomDistribution.uniform());
    }

    /** A sequence, and what it should hold. */
    private record Pair(PagedSequence sequence, PlainPool.Sequence plain) {}

    private final Backend backend = TestBackends.get("scalar");

    @Property(tries = 100)
    void everyBlockIsWhereThePlainPoolHasIt(
            @ForAll @IntRange(min = 3, max = 14) int blocks,
            @ForAll @IntRange(min = 1, max = 3) int blockTokens,
            @ForAll("steps") List<Step> steps) {
        var open = new ArrayList<Pair>();
        var plain = new PlainPool(blocks, blockTokens);
        try (BlockPool pool = BlockPoolConfig.of(blocks, LAYERS, RowStorage.float32(RowLayout.of("key", 1)))
                .withBlockTokens(blockTokens)
                .init()) {
            for (Step step : steps) {
                run(pool, plain, open, step);
                assertAlike(pool, plain, open);
            }
            happened("evicted", plain.evictions());
            happened("exhausted", plain.exhaustions());
            happened("prefix found", plain.prefixesFound());
            for (Pair pair : open) {
                pair.sequence.close();
                plain.close(pair.plain);
            }
            open.clear();
            assertAlike(pool, plain, open);
            assertEquals(0, pool.memory().referenced());
            assertEquals(blocks, pool.memory().cached() + pool.memory().free());
        }
    }

    /** In a good part of the tries, or they show little. */
    private static void happened(String what, int times) {
        Statistics.label(what)
                .collect(times > 1)
                .coverage(tries -> tries.check(true).percentage(part -> part > 10));
    }

    private void run(BlockPool pool, PlainPool plain, List<Pair> open, Step step) {
        if (open.size() < MOST_OPEN && (step.kind == Kind.OPEN || open.isEmpty())) {
            int[] ids = new int[step.amount];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = id(step, i);
            }
            open.add(new Pair(pool.sequence(CAPACITY, ids), plain.open(ids)));
            return;
        }
        Pair pair = open.get(step.which % open.size());
        int length = pair.plain.ids().size();
        Kind kind =
                open.size() == MOST_OPEN && (step.kind == Kind.OPEN || step.kind == Kind.FORK) ? Kind.CLOSE : step.kind;
        switch (kind) {
            case APPEND -> append(plain, pair, step, step.amount);
            case GUESS -> {
                if (append(plain, pair, step, step.amount)) {
                    truncate(plain, pair, length + step.amount * step.which / 6);
                }
            }
            case TRUNCATE -> truncate(plain, pair, Math.max(0, length - step.amount));
            case FORK -> open.add(new Pair(pair.sequence.fork(), plain.fork(pair.plain)));
            case PUBLISH -> {
                int tokens = Math.max(0, length - step.amount % 4);
                pair.sequence.publish(pair.plain.ids().stream()
                        .limit(tokens)
                        .mapToInt(Integer::intValue)
                        .toArray());
                plain.publish(pair.plain, tokens);
            }
            case CLOSE -> {
                pair.sequence.close();
                plain.close(pair.plain);
                open.remove(pair);
            }
            case OPEN -> throw new AssertionError("done above");
        }
    }

    /** Few ids, so that prefixes meet, and three ways to go on. */
    private static int id(Step step, int position) {
        return position % 5 == 0 ? step.which % 2 : 0;
    }

    private boolean append(PlainPool plain, Pair pair, Step step, int tokens) {
        int from = pair.plain.ids().size();
        var added = new ArrayList<Integer>();
        for (int i = 0; i < tokens; i++) {
            added.add(id(step, from + i));
        }
        boolean expected = plain.append(pair.plain, added, from + tokens > CAPACITY);
        for (int layer = 0; layer < LAYERS; layer++) {
            KvCache cache = pair.sequence.layer(layer);
            List<Tensor> rows = rows(layer, pair.plain.ids(), added, expected);
            Optional<Reason> failure = KvCacheProperties.failure(() -> cache.append(cache.end(), rows));
            assertEquals(expected ? Optional.empty() : Optional.of(Reason.EXHAUSTED), failure);
        }
        return expected;
    }

    private List<Tensor> rows(int layer, List<Integer> ids, List<Integer> added, boolean appended) {
        var all = new ArrayList<>(ids);
        if (!appended) {
            all.addAll(added);
        }
        float[] values = new float[added.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(layer, all, all.size() - values.length + i);
        }
        return List.of(backend.tensors().floats(Shape.of(values.length, 1), values));
    }

    /** What a token leaves depends on all before it, as in a model. */
    private static float value(int layer, List<Integer> ids, int token) {
        return 2 * (ids.subList(0, token + 1).hashCode() % 1_000_003) + layer;
    }

    private static void truncate(PlainPool plain, Pair pair, int length) {
        pair.sequence.truncate(length);
        plain.truncate(pair.plain, length);
    }

    private void assertAlike(BlockPool pool, PlainPool plain, List<Pair> open) {
        PoolMemory memory = pool.memory();
        assertEquals(
                List.of(plain.referenced(), plain.cached(), plain.free()),
                List.of(memory.referenced(), memory.cached(), memory.free()));
        Map<Integer, PlainPool.Block> named = new HashMap<>();
        IdentityHashMap<PlainPool.Block, Integer> numbers = new IdentityHashMap<>();
        for (Pair pair : open) {
            List<Integer> ids = pair.plain.ids();
            assertEquals(ids.size(), pair.sequence.length());
            int[] table = pair.sequence.table();
            assertEquals(pair.plain.table().size(), table.length);
            for (int i = 0; i < table.length; i++) {
                PlainPool.Block block = pair.plain.table().get(i);
                assertEquals(table[i], numbers.merge(block, table[i], (before, _) -> before), "two for one block");
                assertEquals(block, named.merge(table[i], block, (before, _) -> before), "one for two blocks");
            }
            for (int layer = 0; layer < LAYERS; layer++) {
                float[] expected = new float[ids.size()];
                for (int t = 0; t < expected.length; t++) {
                    expected[t] = value(layer, ids, t);
                }
                assertArrayEquals(
                        expected,
                        pair.sequence.layer(layer).rows().tensor(backend).toFloats());
            }
        }
    }
}
