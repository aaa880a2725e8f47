package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link KvCache#asStored} says that rows become is what is read of them once they are appended. */
class AsStoredTest {
    private static final Backend BACKEND = TestBackends.get("vector");
    /** Latent and rotary key of one row of FP8, a key in bfloat16, and one that is not rounded. */
    private static final RowStorage STORAGE = RowStorage.float32(
                    RowLayout.of("latent", 32).with("rotary", 4).with("key", 5).with("rest", 3))
            .with(TiledRows.fp8(32, 4, 16), "latent", "rotary")
            .with(new BFloat16Rows(5), "key");

    private static List<Tensor> rows(int count) {
        return KvCacheProperties.rows(BACKEND, STORAGE.layout(), count, RandomStream.of(9));
    }

    private static void assertIsReadAgain(KvCache cache, List<Tensor> rows, List<RowLayout.Part> parts) {
        List<Tensor> stored = cache.asStored(rows.subList(0, parts.size()));
        cache.append(cache.end(), rows);
        for (int i = 0; i < parts.size(); i++) {
            float[] read = cache.view(parts.get(i).name(), BACKEND).toFloats();
            assertArrayEquals(read, stored.get(i).toFloats(), parts.get(i).name());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 63, 64, 65, 300})
    void everyFormReadsItAgain(int count) {
        List<Tensor> rows = rows(count);
        List<RowLayout.Part> parts = STORAGE.layout().parts();
        try (KvCache contiguous = new ContiguousKvCache(STORAGE, 300);
                KvCache ring = new SlidingKvCache(STORAGE, new SlidingWindow(300, 0), 400);
                BlockPool pool = BlockPoolConfig.of(20, 1, STORAGE).init();
                KvCache compressed = new CompressedKvCache(
                        new ContiguousKvCache(STORAGE, 300), new ContiguousKvCache(RowLayout.of("entry", 2), 1), 301)) {
            assertIsReadAgain(contiguous, rows, parts);
            assertIsReadAgain(ring, rows, parts);
            assertIsReadAgain(pool.sequence(300).layer(0), rows, parts);
            assertIsReadAgain(compressed, withEntry(rows), parts);
        }
    }

    private static List<Tensor> withEntry(List<Tensor> rows) {
        Tensor none = KvCacheProperties.rows(BACKEND, RowLayout.of("entry", 2), 0, RandomStream.of(1))
                .getFirst();
        var all = new ArrayList<>(rows);
        all.add(none);
        return all;
    }

    @Test
    void whatIsNotRoundedStaysItself() {
        List<Tensor> rows = rows(2);
        List<Tensor> stored = STORAGE.asStored(rows);
        assertSame(rows.get(3), stored.get(3));
        assertTrue(stored.get(0).toFloats()[0] != rows.get(0).toFloats()[0]);
    }

    @Test
    void someOfTheFirstPlanesAreEnoughAndNoPlaneIsCut() {
        List<Tensor> rows = rows(3);
        List<Tensor> all = STORAGE.asStored(rows);
        KvCacheProperties.assertSameTensors(all.subList(0, 3), STORAGE.asStored(rows.subList(0, 3)));
        KvCacheProperties.assertSameTensors(all.subList(0, 2), STORAGE.asStored(rows.subList(0, 2)));
        for (List<Tensor> wrong : List.of(rows.subList(0, 1), List.<Tensor>of(), rows.subList(1, 3))) {
            assertThrows(ShapeException.class, () -> STORAGE.asStored(wrong));
        }
        String message = String.valueOf(assertThrows(ShapeException.class, () -> STORAGE.asStored(rows.subList(0, 1)))
                .getMessage());
        assertTrue(message.startsWith("asStored: 1 tensors are not the parts of the first planes"), message);
    }

    @Test
    void nothingChangesAndAClosedCacheSaysSo() {
        KvCache cache = new CompressedKvCache(
                new ContiguousKvCache(STORAGE, 9), new ContiguousKvCache(RowLayout.of("entry", 2), 3), 3);
        cache.asStored(rows(20));
        assertEquals(0, cache.length());
        cache.close();
        KvCacheException closed = assertThrows(KvCacheException.class, () -> cache.asStored(rows(1)));
        assertEquals(KvCacheException.Reason.CLOSED, closed.reason());
        assertTrue(String.valueOf(closed.getMessage()).startsWith("asStored: "), closed.getMessage());
    }
}
