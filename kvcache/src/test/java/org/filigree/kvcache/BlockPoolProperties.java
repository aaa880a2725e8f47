package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;

/**
 * A pool under any sequence of calls from many sequences, beside one list of rows for each sequence and layer. What a token leaves depends
 * on the tokens up to it, as in a model; token ids are few, so prefixes meet.
 */
class BlockPoolProperties {
    private static final int CAPACITY = 40;

    enum Kind {
        OPEN,
        APPEND,
        APPEND_TO_FIRST_LAYER,
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
                Tuple.of(3, Kind.OPEN),
                Tuple.of(8, Kind.APPEND),
                Tuple.of(1, Kind.APPEND_TO_FIRST_LAYER),
                Tuple.of(3, Kind.TRUNCATE),
                Tuple.of(3, Kind.FORK),
                Tuple.of(4, Kind.PUBLISH),
                Tuple.of(3, Kind.CLOSE));
        return Combinators.combine(
                        kind,
                        Arbitraries.integers().between(0, 5),
                        Arbitraries.integers().between(0, 13))
                .as(Step::new)
                .list()
                .ofMaxSize(40);
    }

    /** A sequence, and what it should hold. */
    private static final class Modelled {
        private final PagedSequence sequence;
        private final List<Integer> ids;
        private final int[] lengths;

        Modelled(PagedSequence sequence, List<Integer> ids, int[] lengths) {
            this.sequence = sequence;
            this.ids = new ArrayList<>(ids);
            this.lengths = lengths;
        }

        int length() {
            return Arrays.stream(lengths).min().orElseThrow();
        }

        int[] ids(int count) {
            return ids.stream().limit(count).mapToInt(Integer::intValue).toArray();
        }
    }

    private final Backend backend = TestBackends.get("scalar");

    /** Rows from…to of a sequence with these ids. */
    private List<Tensor> rows(RowLayout layout, int layer, List<Integer> ids, int from, int to) {
        var parts = new ArrayList<Tensor>();
        for (RowLayout.Part part : layout.parts()) {
            float[] values = new float[(to - from) * part.width()];
            for (int t = from; t < to; t++) {
                float[] row = new float[part.width()];
                RandomStream.of(ids.subList(0, t + 1).hashCode() * 31L + layer)
                        .fork(part.name())
                        .fillGaussian(row);
                System.arraycopy(row, 0, values, (t - from) * part.width(), part.width());
            }
            parts.add(backend.tensors().floats(Shape.of(to - from, part.width()), values));
        }
        return parts;
    }

    @Property(tries = 60)
    void sequencesKnowNothingOfEachOtherAndNoBlockIsLost(
            @ForAll(supplier = RowFormats.Storages.class) RowStorage first,
            @ForAll(supplier = RowFormats.Storages.class) RowStorage second,
            @ForAll @IntRange(min = 1, max = 24) int blocks,
            @ForAll @IntRange(min = 1, max = 5) int blockTokens,
            @ForAll("steps") List<Step> steps) {
        List<RowStorage> layers = List.of(first, second);
        var open = new ArrayList<Modelled>();
        try (BlockPool pool = new BlockPoolConfig(blocks, blockTokens, layers).init()) {
            for (Step step : steps) {
                run(pool, layers, open, step);
                assertAccount(pool, open);
                for (Modelled one : open) {
                    assertHolds(layers, one);
                }
            }
            open.forEach(one -> one.sequence.close());
            PoolMemory end = pool.memory();
            assertEquals(0, end.referenced());
            assertEquals(blocks, end.cached() + end.free());
            // Every block can be taken again.
            PagedSequence all = pool.sequence(blocks * blockTokens);
            var ids = new ArrayList<Integer>(Collections.nCopies(blocks * blockTokens, 9));
            all.layer(0).append(all.layer(0).end(), rows(first.layout(), 0, ids, 0, ids.size()));
            assertEquals(blocks, pool.memory().referenced());
        }
    }

    private void run(BlockPool pool, List<RowStorage> layers, List<Modelled> open, Step step) {
        if (step.kind == Kind.OPEN || open.isEmpty()) {
            open.add(openWithPrefix(pool, step));
            return;
        }
        Modelled one = open.get(step.which % open.size());
        switch (step.kind) {
            case APPEND -> append(pool, layers, one, step);
            case APPEND_TO_FIRST_LAYER -> {
                if (append(pool, layers, one, 0, step) && step.which % 2 == 0) {
                    one.sequence.layer(0).truncate(one.length());
                    one.lengths[0] = one.length();
                }
            }
            case TRUNCATE -> {
                int kept = Math.max(0, one.length() - step.amount);
                one.sequence.truncate(kept);
                Arrays.fill(one.lengths, kept);
                one.ids.subList(kept, one.ids.size()).clear();
            }
            case FORK -> open.add(new Modelled(one.sequence.fork(), one.ids, one.lengths.clone()));
            case PUBLISH -> one.sequence.publish(one.ids(Math.max(0, one.length() - step.amount % 3)));
            case CLOSE -> {
                one.sequence.close();
                open.remove(one);
            }
            case OPEN -> throw new AssertionError("done above");
        }
    }

    private Modelled openWithPrefix(BlockPool pool, Step step) {
        int[] ids = new int[step.amount];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (step.which + i) % 2;
        }
        PagedSequence sequence = pool.sequence(CAPACITY, ids);
        int found = sequence.length();
        assertEquals(0, found % pool.config().blockTokens());
        assertTrue(found <= ids.length);
        int[] lengths = {found, found};
        return new Modelled(sequence, Arrays.stream(ids).limit(found).boxed().toList(), lengths);
    }

    /** Like a pass: layer by layer, and back to the shortest if one fails. */
    private void append(BlockPool pool, List<RowStorage> layers, Modelled one, Step step) {
        for (int layer = 0; layer < layers.size(); layer++) {
            if (!append(pool, layers, one, layer, step)) {
                one.sequence.truncate(one.length());
                Arrays.fill(one.lengths, one.length());
                return;
            }
        }
    }

    private boolean append(BlockPool pool, List<RowStorage> layers, Modelled one, int layer, Step step) {
        int from = one.lengths[layer];
        int to = from + step.amount;
        while (one.ids.size() < to) {
            one.ids.add((step.which + one.ids.size()) % 2);
        }
        PoolMemory before = pool.memory();
        List<Tensor> rows = rows(layers.get(layer).layout(), layer, one.ids, from, to);
        KvCache cache = one.sequence.layer(layer);
        Optional<Reason> failure = KvCacheProperties.failure(() -> cache.append(cache.end(), rows));
        if (failure.isPresent()) {
            assertEquals(Optional.of(Reason.EXHAUSTED), failure);
            assertEquals(before, pool.memory());
            int most = pool.blocksFor(to) - from / pool.config().blockTokens();
            assertTrue(to > CAPACITY || most > before.free() + before.cached(), "there was room");
            return false;
        }
        one.lengths[layer] = to;
        return true;
    }

    private void assertHolds(List<RowStorage> layers, Modelled one) {
        for (int layer = 0; layer < layers.size(); layer++) {
            RowStorage storage = layers.get(layer);
            assertEquals(one.lengths[layer], one.sequence.layer(layer).length());
            try (KvCache model = NaiveKvCache.of(storage, CAPACITY)) {
                model.append(model.end(), rows(storage.layout(), layer, one.ids, 0, one.lengths[layer]));
                KvCacheProperties.assertSameRows(
                        backend, model.rows(), one.sequence.layer(layer).rows());
            }
        }
        assertEquals(one.length(), one.sequence.length());
    }

    private static void assertAccount(BlockPool pool, List<Modelled> open) {
        Set<Integer> held = new HashSet<>();
        for (Modelled one : open) {
            int[] table = one.sequence.table();
            assertEquals(pool.blocksFor(Arrays.stream(one.lengths).max().orElseThrow()), table.length);
            Arrays.stream(table).forEach(held::add);
        }
        PoolMemory memory = pool.memory();
        assertEquals(held.size(), memory.referenced());
        assertEquals(memory.blocks(), memory.referenced() + memory.cached() + memory.free());
    }
}
