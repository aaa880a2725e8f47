package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
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
                Arbitraries.frequency(Tuple.of(12, Kind.APPEND), Tuple.of(6, Kind.TRUNCATE), Tuple.of(1, Kind.CLOSE));
        return Combinators.combine(kind, Arbitraries.integers().between(-1, 9))
                .as(Step::new)
                .list()
                .ofMaxSize(20);
    }

    @Provide
    Arbitrary<RowLayout> layouts() {
        return Arbitraries.integers()
                .between(1, 17)
                .list()
                .ofMinSize(1)
                .ofMaxSize(3)
                .map(widths -> {
                    var parts = new ArrayList<RowLayout.Part>();
                    for (int width : widths) {
                        parts.add(new RowLayout.Part("part " + parts.size(), width));
                    }
                    return new RowLayout(parts);
                });
    }

    @Property
    void contiguousBehavesLikeAListOfRows(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("layouts") RowLayout layout,
            @ForAll @IntRange(min = 1, max = 20) int capacity,
            @ForAll("steps") List<Step> steps,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        try (KvCache model = new NaiveKvCache(layout, capacity);
                KvCache cache = new ContiguousKvCache(layout, capacity)) {
            for (Step step : steps) {
                List<Tensor> rows =
                        step.kind == Kind.APPEND ? rows(backend, layout, Math.max(0, step.rows), random) : List.of();
                assertEquals(outcome(model, step, rows), outcome(cache, step, rows));
                assertAlike(backend, model, cache);
            }
        }
    }

    private static Optional<KvCacheException.Reason> outcome(KvCache cache, Step step, List<Tensor> rows) {
        return failure(() -> {
            switch (step.kind) {
                case APPEND -> cache.append(rows);
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
        for (RowLayout.Part part : model.layout().parts()) {
            Tensor expected = model.view(part.name(), backend);
            Tensor actual = cache.view(part.name(), backend);
            assertEquals(expected.shape(), actual.shape());
            assertArrayEquals(expected.toFloats(), actual.toFloats());
        }
    }

    private static Optional<KvCacheException.Reason> failure(Runnable call) {
        try {
            call.run();
            return Optional.empty();
        } catch (KvCacheException failure) {
            return Optional.of(failure.reason());
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
