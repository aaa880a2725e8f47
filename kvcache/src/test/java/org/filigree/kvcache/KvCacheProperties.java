package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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
import org.filigree.core.testkit.AnyBackend;

/** Every cache behaves like a list of rows under any sequence of calls, those that must fail included. */
class KvCacheProperties {
    enum Kind {
        APPEND,
        TRUNCATE,
        CLOSE
    }

    record Step(Kind kind, int rows) {}

    @Provide
    Arbitrary<List<Step>> steps() {
        Arbitrary<Kind> kind =
                Arbitraries.frequency(Tuple.of(14, Kind.APPEND), Tuple.of(6, Kind.TRUNCATE), Tuple.of(1, Kind.CLOSE));
        Arbitrary<Integer> few = Arbitraries.integers().between(-1, 9);
        Arbitrary<Integer> rows = Arbitraries.frequencyOf(
                Tuple.of(4, few), Tuple.of(1, Arbitraries.integers().between(10, 70)));
        return Combinators.combine(kind, rows).as(Step::new).list().ofMaxSize(20);
    }

    @Property
    void contiguousBehavesLikeAListOfRows(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll(supplier = RowFormats.Storages.class) RowStorage storage,
            @ForAll @IntRange(min = 1, max = 150) int capacity,
            @ForAll("steps") List<Step> steps,
            @ForAll long seed) {
        try (KvCache model = NaiveKvCache.of(storage, capacity);
                KvCache cache = new ContiguousKvCache(storage, capacity)) {
            run(steps, backend, model, cache, RandomStream.of(seed));
            assertTrue(model.memory().usedBytes() == cache.memory().usedBytes());
        }
    }

    @Property
    void slidingBehavesLikeTheEndOfAListOfRows(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll(supplier = RowFormats.Storages.class) RowStorage storage,
            @ForAll @IntRange(min = 1, max = 150) int capacity,
            @ForAll @IntRange(min = 1, max = 20) int width,
            @ForAll @IntRange(min = 0, max = 10) int slack,
            @ForAll("steps") List<Step> steps,
            @ForAll long seed) {
        var window = new SlidingWindow(width, slack);
        try (KvCache model = new NaiveKvCache(storage, window, capacity);
                KvCache cache = new SlidingKvCache(storage, window, capacity)) {
            run(steps, backend, model, cache, RandomStream.of(seed));
        }
    }

    private static void run(List<Step> steps, Backend backend, KvCache model, KvCache cache, RandomStream random) {
        for (Step step : steps) {
            List<Tensor> rows = step.kind == Kind.APPEND
                    ? rows(backend, model.layout(), Math.max(0, step.rows), random)
                    : List.of();
            boolean open = failure(model::length).isEmpty();
            if (open && step.kind == Kind.APPEND) {
                assertSameTensors(model.asStored(rows), cache.asStored(rows));
            }
            boolean accepted = open && step.kind == Kind.TRUNCATE && cache.canTruncateTo(step.rows);
            Optional<KvCacheException.Reason> outcome = outcome(cache, step, rows);
            assertEquals(outcome(model, step, rows), outcome);
            assertEquals(open && step.kind == Kind.TRUNCATE && outcome.isEmpty(), accepted);
            assertAlike(backend, model, cache);
        }
    }

    static void assertSameTensors(List<Tensor> expected, List<Tensor> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertEquals(expected.get(i).shape(), actual.get(i).shape());
            assertArrayEquals(expected.get(i).toFloats(), actual.get(i).toFloats());
        }
    }

    private static Optional<KvCacheException.Reason> outcome(KvCache cache, Step step, List<Tensor> rows) {
        return failure(() -> {
            switch (step.kind) {
                case APPEND -> cache.append(cache.end(), rows);
                case TRUNCATE -> cache.truncate(step.rows);
                case CLOSE -> cache.close();
            }
        });
    }

    private static void assertAlike(Backend backend, KvCache model, KvCache cache) {
        assertEquals(failure(model::length), failure(cache::length));
        assertEquals(model.memory().usedBytes(), cache.memory().usedBytes());
        if (failure(model::length).isPresent()) {
            return;
        }
        assertEquals(model.length(), cache.length());
        assertSameRows(backend, model.rows(), cache.rows());
        List<RowLayout.Part> parts = model.layout().parts();
        String[] reversed = parts.reversed().stream().map(RowLayout.Part::name).toArray(String[]::new);
        assertSameRows(backend, model.rows(reversed), cache.rows(reversed));
        for (RowLayout.Part part : parts) {
            assertSameRows(backend, model.rows(part.name()), cache.rows(part.name()));
            assertArrayEquals(
                    model.view(part.name(), backend).toFloats(),
                    cache.view(part.name(), backend).toFloats());
        }
    }

    static void assertSameRows(Backend backend, CacheRows expected, CacheRows actual) {
        assertEquals(expected.firstToken(), actual.firstToken());
        assertEquals(expected.tokensPerRow(), actual.tokensPerRow());
        assertEquals(expected.layout(), actual.layout());
        Tensor rows = expected.tensor(backend);
        assertEquals(rows.shape(), actual.tensor(backend).shape());
        assertArrayEquals(rows.toFloats(), actual.tensor(backend).toFloats());
        int[] chosen = chosen(expected.count());
        float[] want = new float[1 + chosen.length * expected.width()];
        float[] have = new float[1 + chosen.length * expected.width()];
        Arrays.fill(have, Float.NaN);
        have[0] = 0;
        expected.gather(chosen, 1, chosen.length - 1, want, 1);
        actual.gather(chosen, 1, chosen.length - 1, have, 1);
        int end = 1 + (chosen.length - 1) * expected.width();
        assertArrayEquals(Arrays.copyOf(want, end), Arrays.copyOf(have, end));
        assertEquals(end == have.length, false, "the first chosen row is not asked for");
        assertTrue(Float.isNaN(have[end]));
    }

    /** Every third row from the last, and none between. */
    private static int[] chosen(int rows) {
        int[] chosen = new int[2 + 2 * ((rows + 2) / 3)];
        Arrays.fill(chosen, -1);
        for (int row = rows - 1, i = 1; row >= 0; row -= 3, i += 2) {
            chosen[i] = row;
        }
        return chosen;
    }

    static Optional<KvCacheException.Reason> failure(Runnable call) {
        try {
            call.run();
            return Optional.empty();
        } catch (KvCacheException failure) {
            return Optional.of(failure.reason());
        }
    }

    /** Rows that may go anywhere are offered until no other thread comes first; every refusal must be for the length. */
    static void appendBesideOthers(KvCache cache, List<Tensor> rows) {
        while (true) {
            try {
                cache.append(cache.end(), rows);
                return;
            } catch (KvCacheException overtaken) {
                assertEquals(KvCacheException.Reason.LENGTH, overtaken.reason());
            }
        }
    }

    static List<Tensor> rows(Backend backend, RowLayout layout, int rows, RandomStream random) {
        var parts = new ArrayList<Tensor>();
        for (RowLayout.Part part : layout.parts()) {
            float[] values = new float[rows * part.width()];
            random.fillGaussian(values);
            parts.add(backend.tensors().floats(Shape.of(rows, part.width()), values));
        }
        return parts;
    }
}
