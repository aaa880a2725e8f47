package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;
import org.junit.jupiter.api.Test;

/** Tokens and entries stay in step, whatever forms hold them; what an incomplete run is pooled from is there after every truncation. */
class CompressedKvCacheProperties {
    private static final RowStorage TOKENS = RowStorage.float32(RowLayout.of("raw", 3));
    private static final RowLayout ENTRIES = RowLayout.of("entry", 4);
    private static final int CAPACITY = 60;

    private final Backend backend = TestBackends.get("scalar");

    /** The first number of a row is its own. */
    private Tensor numbered(int from, int to, int width, RandomStream random) {
        float[] values = new float[(to - from) * width];
        random.fillGaussian(values);
        for (int row = from; row < to; row++) {
            values[(row - from) * width] = row;
        }
        return backend.tensors().floats(Shape.of(to - from, width), values);
    }

    private List<Tensor> step(int length, int added, int ratio, RandomStream random) {
        return List.of(
                numbered(length, length + added, 3, random),
                numbered(length / ratio, (length + added) / ratio, 4, random));
    }

    @Property
    void tokensAndEntriesStayInStep(
            @ForAll @IntRange(min = 1, max = 5) int ratio,
            @ForAll @IntRange(min = 0, max = 2) int form,
            @ForAll boolean bfloat16,
            @ForAll @Size(max = 20) List<@IntRange(min = -12, max = 12) Integer> steps,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        SlidingWindow window =
                form == 0 ? new SlidingWindow(CAPACITY, 0) : new SlidingWindow(2 * ratio, form == 1 ? 0 : 12);
        RowStorage entries = bfloat16 ? RowStorage.bfloat16(ENTRIES) : RowStorage.float32(ENTRIES);
        int runs = CAPACITY / ratio;
        try (BlockPool pool = new BlockPoolConfig(CAPACITY, 2, List.of(entries)).init();
                KvCache tokenModel = new NaiveKvCache(TOKENS, window, CAPACITY);
                KvCache entryModel = NaiveKvCache.of(entries, runs);
                KvCache cache = new CompressedKvCache(
                        form == 0
                                ? new ContiguousKvCache(TOKENS, CAPACITY)
                                : new SlidingKvCache(TOKENS, window, CAPACITY),
                        form == 1
                                ? new ContiguousKvCache(entries, runs)
                                : pool.sequence(runs).layer(0),
                        ratio)) {
            for (int change : steps) {
                int length = tokenModel.length();
                if (change >= 0) {
                    List<Tensor> parts = step(length, change, ratio, random);
                    var outcome = KvCacheProperties.failure(() -> cache.append(cache.end(), parts));
                    assertEquals(
                            KvCacheProperties.failure(() -> tokenModel.append(tokenModel.end(), parts.subList(0, 1))),
                            outcome);
                    if (outcome.isEmpty()) {
                        entryModel.append(entryModel.end(), parts.subList(1, 2));
                    }
                } else {
                    int kept = Math.max(0, length + change);
                    var outcome = KvCacheProperties.failure(() -> cache.truncate(kept));
                    assertEquals(KvCacheProperties.failure(() -> tokenModel.truncate(kept)), outcome);
                    if (outcome.isEmpty()) {
                        entryModel.truncate(kept / ratio);
                    }
                }
                assertEquals(tokenModel.length(), cache.length());
                KvCacheProperties.assertSameRows(backend, tokenModel.rows("raw"), cache.rows("raw"));
                CacheRows shown = cache.rows("entry");
                assertEquals(ratio, shown.tokensPerRow());
                assertEquals(0, shown.firstToken());
                assertEquals(cache.length() / ratio, shown.count());
                assertArrayEquals(
                        entryModel.rows().tensor(backend).toFloats(),
                        shown.tensor(backend).toFloats());
                assertPoolable(cache, ratio);
            }
        }
    }

    /** The incomplete run and the run before it, which overlapping pooling needs, are there. */
    private void assertPoolable(KvCache cache, int ratio) {
        int first = Math.max(0, cache.length() / ratio * ratio - ratio);
        CacheRows raw = cache.rows("raw");
        float[] values = new float[(cache.length() - first) * 3];
        raw.read(first - raw.firstToken(), cache.length() - first, values, 0);
        for (int t = first; t < cache.length(); t++) {
            assertEquals(t, values[(t - first) * 3]);
        }
    }

    @Test
    void entriesMustBeAsManyAsRunsAreCompleted() {
        RandomStream random = RandomStream.of(1);
        try (KvCache cache = new CompressedKvCache(
                new ContiguousKvCache(TOKENS, 9), new ContiguousKvCache(RowStorage.float32(ENTRIES), 1), 4)) {
            Tensor tokens = numbered(0, 5, 3, random);
            assertThrows(ShapeException.class, () -> cache.append(cache.end(), List.of(tokens)));
            assertThrows(
                    ShapeException.class, () -> cache.append(cache.end(), List.of(tokens, numbered(0, 2, 4, random))));
            assertThrows(
                    ShapeException.class, () -> cache.append(cache.end(), List.of(tokens, numbered(0, 1, 5, random))));
            assertEquals(0, cache.length());
            cache.append(cache.end(), step(0, 5, 4, random));
            assertEquals(
                    Reason.EXHAUSTED,
                    assertThrows(KvCacheException.class, () -> cache.append(cache.end(), step(5, 3, 4, random)))
                            .reason());
            assertEquals(5, cache.length());
            assertEquals(1, cache.rows("entry").count());
            for (String[] mixed : List.of(new String[] {"raw", "entry"}, new String[0])) {
                assertEquals(
                        Reason.LAYOUT,
                        assertThrows(KvCacheException.class, () -> cache.rows(mixed))
                                .reason());
            }
            var parts = new ArrayList<RowLayout.Part>(TOKENS.layout().parts());
            parts.addAll(ENTRIES.parts());
            assertEquals(new RowLayout(parts), cache.layout());
            assertEquals(9 * 12 + 16, cache.memory().reservedBytes());
        }
    }
}
