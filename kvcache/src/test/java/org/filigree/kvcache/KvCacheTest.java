package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class KvCacheTest {
    private static final RowLayout LAYOUT = RowLayout.of("latent", 5).with("rotary key", 2);

    private final Backend backend = TestBackends.get("scalar");
    private final RandomStream random = RandomStream.of(7);

    private List<Tensor> rows(int rows) {
        return KvCacheProperties.rows(backend, LAYOUT, rows, random);
    }

    /** The message. */
    private static String assertReason(Reason reason, Executable call) {
        KvCacheException failure = assertThrows(KvCacheException.class, call);
        assertEquals(reason, failure.reason());
        return String.valueOf(failure.getMessage());
    }

    @Test
    void exhaustionNamesTheNumbersAndLosesNothing() {
        try (KvCache cache = new ContiguousKvCache(LAYOUT, 4)) {
            cache.append(cache.end(), rows(3));
            float[] before = cache.view("latent", backend).toFloats();
            String message = assertReason(Reason.EXHAUSTED, () -> cache.append(cache.end(), rows(2)));
            assertTrue(message.contains("2 rows behind 3 exceed the capacity of 4"), message);
            assertEquals(3, cache.length());
            assertArrayEquals(before, cache.view("latent", backend).toFloats());
            cache.append(cache.end(), rows(1));
            assertEquals(4, cache.length());
        }
    }

    @Test
    void closingTwiceIsHarmlessAndUsingAfterwardsIsNot() {
        KvCache cache = new ContiguousKvCache(LAYOUT, 4);
        cache.close();
        cache.close();
        assertReason(Reason.CLOSED, cache::length);
        assertReason(Reason.CLOSED, () -> cache.append(cache.end(), rows(1)));
        assertReason(Reason.CLOSED, () -> cache.truncate(0));
        assertReason(Reason.CLOSED, () -> cache.view("latent", backend));
        assertEquals(CacheMemory.NONE, cache.memory());
    }

    @Test
    void truncatingToALengthNeverReachedFails() {
        try (KvCache cache = new ContiguousKvCache(LAYOUT, 4)) {
            cache.append(cache.end(), rows(2));
            assertReason(Reason.LENGTH, () -> cache.truncate(3));
            assertReason(Reason.LENGTH, () -> cache.truncate(-1));
            assertEquals(2, cache.length());
        }
    }

    @Test
    void rowsMustMatchTheLayout() {
        try (KvCache cache = new ContiguousKvCache(LAYOUT, 4)) {
            assertThrows(ShapeException.class, () -> cache.append(cache.end(), List.of(rows(1).getFirst())));
            assertThrows(ShapeException.class, () -> cache.append(cache.end(), rows(1).reversed()));
            assertThrows(
                    ShapeException.class,
                    () -> cache.append(cache.end(), List.of(rows(2).getFirst(), rows(1).getLast())));
            assertReason(Reason.LAYOUT, () -> cache.view("value", backend));
            assertEquals(0, cache.length());
        }
    }

    @Test
    void aViewStaysWhenTheCacheGoesOn() {
        try (KvCache cache = new ContiguousKvCache(LAYOUT, 4)) {
            cache.append(cache.end(), rows(2));
            Tensor view = cache.view("rotary key", backend);
            float[] before = view.toFloats();
            cache.truncate(0);
            cache.append(cache.end(), rows(4));
            assertArrayEquals(before, view.toFloats());
        }
    }

    @Test
    void rowsInPlaceOutliveAppendsOnly() {
        CacheRows last;
        try (KvCache cache = new ContiguousKvCache(LAYOUT, 8)) {
            cache.append(cache.end(), rows(3));
            CacheRows before = cache.rows("rotary key");
            float[] values = before.tensor(backend).toFloats();
            cache.append(cache.end(), rows(2));
            assertEquals(3, before.count());
            assertArrayEquals(values, before.tensor(backend).toFloats());
            cache.truncate(5);
            assertArrayEquals(values, before.tensor(backend).toFloats());
            StoredRows stored = before.stored().getFirst();
            stored.requireCurrent();
            cache.truncate(4);
            assertReason(Reason.STALE, () -> before.tensor(backend));
            assertReason(Reason.STALE, stored::requireCurrent);
            last = cache.rows();
            assertOutOfBounds(() -> last.read(3, 2, new float[14], 0));
            assertOutOfBounds(() -> last.read(0, 2, new float[13], 0));
            assertOutOfBounds(() -> last.gather(new int[] {4}, 0, 1, new float[7], 0));
            assertOutOfBounds(() -> last.gather(new int[] {-2}, 0, 1, new float[7], 0));
        }
        assertReason(Reason.STALE, () -> last.read(0, 4, new float[28], 0));
    }

    private static void assertOutOfBounds(Executable call) {
        assertThrows(IndexOutOfBoundsException.class, call);
    }

    @Test
    void aRingRefusesToLookAtWhatItOverwrote() {
        try (KvCache cache = new SlidingKvCache(RowStorage.float32(LAYOUT), new SlidingWindow(4, 2), 100)) {
            cache.append(cache.end(), rows(6));
            CacheRows full = cache.rows();
            cache.append(cache.end(), rows(1));
            assertReason(Reason.STALE, () -> full.tensor(backend));
            assertEquals(1, cache.rows().firstToken());
            assertEquals(6, cache.rows().count());
            cache.truncate(5);
            String message = assertReason(Reason.LENGTH, () -> cache.truncate(4));
            assertTrue(message.contains("begins at token 0, but the oldest one kept is 1"), message);
            assertEquals(5, cache.length());
            cache.append(cache.end(), rows(50));
            assertEquals(49, cache.rows().firstToken());
            assertReason(Reason.EXHAUSTED, () -> cache.append(cache.end(), rows(46)));
            cache.truncate(53);
            assertEquals(4, cache.rows().count());
            assertFalse(cache.canTruncateTo(52));
            assertTrue(cache.canTruncateTo(0));
            assertEquals(6 * 28, cache.memory().reservedBytes());
            assertEquals(4 * 28, cache.memory().usedBytes());
        }
    }

    /** A million tokens are a command of examples/bench; what they take is decided by pages of 64. */
    @Test
    void quantisedRowsTakeLittleMoreThanTheirLayout() {
        TiledRows format = TiledRows.MODEL1_FP8_SPARSE;
        RowStorage storage = RowStorage.float32(
                        RowLayout.of("content", format.coded()).with("rotary", format.rotary()))
                .with(format, "content", "rotary");
        List<Tensor> rows = KvCacheProperties.rows(backend, storage.layout(), 1000, random);
        try (KvCache contiguous = new ContiguousKvCache(storage, 1000);
                BlockPool pool = BlockPoolConfig.of(16, 1, storage).init()) {
            for (KvCache cache : List.of(contiguous, pool.sequence(1000).layer(0))) {
                cache.append(cache.end(), rows);
                CacheMemory memory = cache.memory();
                assertEquals(584_000, memory.usedBytes());
                assertEquals(16 * 37_440, memory.reservedBytes());
                assertTrue(memory.reservedBytes() <= 1.05 * memory.usedBytes());
            }
            assertEquals(16 * 37_440, pool.memory().reservedBytes());
        }
    }

    @Test
    void storagesCheckThemselves() {
        RowLayout layout = RowLayout.of("latent", 512).with("rotary key", 64).with("scorer key", 128);
        RowStorage storage = RowStorage.float32(layout)
                .with(TiledRows.V32_FP8_SPARSE, "latent", "rotary key")
                .with(TiledRows.fp8IndexKeys(128), "scorer key");
        assertEquals(layout, storage.layout());
        assertEquals(656 + 132, storage.bytesPerRow());
        assertEquals(704 * 2, RowStorage.bfloat16(layout).bytesPerRow());
        assertThrows(
                IllegalArgumentException.class, () -> storage.with(new BFloat16Rows(192), "rotary key", "scorer key"));
        assertThrows(IllegalArgumentException.class, () -> storage.with(new BFloat16Rows(64), "scorer key"));
        assertThrows(
                IllegalArgumentException.class, () -> storage.with(TiledRows.V32_FP8_SPARSE, "latent", "scorer key"));
        assertReason(Reason.LAYOUT, () -> storage.with(new BFloat16Rows(64), "value"));
        assertThrows(IllegalArgumentException.class, () -> new SlidingWindow(0, 1));
    }

    @Test
    void memoryThatCannotBeHadIsReported() {
        String message = assertReason(
                Reason.EXHAUSTED, () -> new ContiguousKvCache(RowLayout.of("latent", 1 << 28), 1 << 30).close());
        assertTrue(message.contains("1073741824 rows (latent [268435456]) of 1073741824 bytes each"), message);
    }

    @Test
    void sequenceAddsUpItsLayers() {
        KvCacheConfig config = new KvCacheConfig(
                8, List.of(RowStorage.float32(LAYOUT), RowStorage.float32(RowLayout.of("latent", 3))));
        assertEquals(4 * (5 + 2 + 3), config.bytesPerToken());
        try (SequenceCache sequence = config.init()) {
            assertEquals(8 * config.bytesPerToken(), sequence.memory().reservedBytes());
            sequence.layer(0).append(sequence.layer(0).end(), rows(3));
            assertEquals(0, sequence.length());
            sequence.layer(1)
                    .append(
                            sequence.layer(1).end(),
                            KvCacheProperties.rows(backend, sequence.layer(1).layout(), 2, random));
            assertEquals(2, sequence.length());
            assertEquals(4 * (3 * 7 + 2 * 3), sequence.memory().usedBytes());
            assertReason(Reason.LENGTH, () -> sequence.truncate(3));
            assertEquals(3, sequence.layer(0).length());
            sequence.truncate(sequence.length());
            assertEquals(2, sequence.layer(0).length());
            assertReason(Reason.LAYOUT, () -> sequence.layer(2));
        }
    }

    @Test
    void aSequenceGoesBackInAllLayersOrInNone() {
        RowStorage storage = RowStorage.float32(LAYOUT);
        try (SequenceCache sequence = new SequenceCache(
                List.of(new ContiguousKvCache(storage, 9), new SlidingKvCache(storage, new SlidingWindow(2, 1), 9)))) {
            for (int layer = 0; layer < 2; layer++) {
                sequence.layer(layer).append(sequence.layer(layer).end(), rows(6));
            }
            assertReason(Reason.LENGTH, () -> sequence.truncate(4));
            assertEquals(6, sequence.layer(0).length());
            sequence.truncate(5);
            assertEquals(5, sequence.layer(0).length());
            sequence.truncate(0);
            sequence.layer(1).append(sequence.layer(1).end(), rows(2));
            assertEquals(0, sequence.layer(1).rows().firstToken());
        }
    }

    @Test
    void layersOfASequenceBeginEquallyLong() {
        BlockPoolConfig config = BlockPoolConfig.of(4, 2, RowStorage.float32(LAYOUT));
        try (BlockPool pool = config.init();
                KvCache empty = new ContiguousKvCache(LAYOUT, 9);
                KvCache three = new ContiguousKvCache(LAYOUT, 9)) {
            three.append(three.end(), rows(3));
            String message = assertReason(Reason.LENGTH, () -> new SequenceCache(List.of(three, empty)));
            assertTrue(message.contains("[3, 0] tokens"), message);
            empty.append(empty.end(), rows(3));
            assertEquals(3, new SequenceCache(List.of(three, empty)).length());
            PagedSequence midway = pool.sequence(9);
            midway.layer(0).append(midway.layer(0).end(), rows(2));
            assertEquals(2, midway.fork().layer(0).length());
        }
    }

    /** Without it the second layer of a pass would go on behind the rows of the first, and the sequence be twice as long. */
    @Test
    void layersAndPartsMustNotShareACache() {
        try (KvCache one = new ContiguousKvCache(LAYOUT, 9);
                KvCache other = new ContiguousKvCache(LAYOUT, 9);
                BlockPool pool =
                        BlockPoolConfig.of(3, 2, RowStorage.float32(LAYOUT)).init();
                PagedSequence paged = pool.sequence(9)) {
            String message = assertReason(Reason.LAYOUT, () -> new SequenceCache(List.of(one, other, one)));
            assertTrue(message.contains("layers 0 and 2 have the same cache " + one), message);
            assertReason(Reason.LAYOUT, () -> new SequenceCache(List.of(paged.layer(1), paged.layer(1))));
            assertEquals(2, new SequenceCache(List.of(paged.layer(1), paged.layer(0))).layers());
            assertReason(Reason.LAYOUT, () -> new CompressedKvCache(one, one, 2));
        }
    }

    @Test
    void aBatchTakesOneLayerOfEverySequence() {
        KvCacheConfig config = KvCacheConfig.of(2, 3, LAYOUT);
        try (SequenceCache first = config.init();
                SequenceCache second = config.withCapacity(5).init()) {
            CacheBatch batch = CacheBatch.layer(List.of(first, second), 1);
            assertEquals(List.of(first.layer(1), second.layer(1)), batch.sequences());
            assertReason(Reason.LAYOUT, () -> CacheBatch.layer(List.of(first), 3));
        }
    }

    @Test
    void threadsMayShareAHandle() throws Exception {
        int threads = 4;
        int appends = 50;
        try (KvCache cache = new ContiguousKvCache(LAYOUT, threads * appends);
                var pool = Executors.newFixedThreadPool(threads)) {
            var start = new CountDownLatch(1);
            var running = new ArrayList<Future<?>>();
            for (int t = 0; t < threads; t++) {
                Tensor latent = backend.tensors().full(Shape.of(1, 5), t);
                Tensor rotary = backend.tensors().full(Shape.of(1, 2), t);
                running.add(pool.submit(() -> {
                    start.await();
                    for (int i = 0; i < appends; i++) {
                        KvCacheProperties.appendBesideOthers(cache, List.of(latent, rotary));
                    }
                    return null;
                }));
            }
            start.countDown();
            for (var one : running) {
                one.get();
            }
            assertEquals(threads * appends, cache.length());
            float[] latent = cache.view("latent", backend).toFloats();
            float[] rotary = cache.view("rotary key", backend).toFloats();
            int[] seen = new int[threads];
            for (int r = 0; r < threads * appends; r++) {
                assertEquals(latent[r * 5], rotary[r * 2 + 1]);
                seen[(int) latent[r * 5]]++;
            }
            assertArrayEquals(new int[] {appends, appends, appends, appends}, seen);
        }
    }

    /** Rows that say their token's number: whoever reads while a ring turns gets the right ones or an exception. */
    @Test
    void readersOfATurningRingAreNeverLiedTo() throws Exception {
        int tokens = 4000;
        RowStorage storage = RowStorage.float32(RowLayout.of("key", 16));
        CountDownLatch someRead = new CountDownLatch(1);
        try (KvCache cache = new SlidingKvCache(storage, new SlidingWindow(8, 4), tokens);
                var pool = Executors.newFixedThreadPool(2)) {
            Future<Integer> reader = pool.submit(() -> {
                int read = 0;
                while (cache.length() < tokens) {
                    CacheRows rows = cache.rows();
                    float[] values = new float[rows.count() * 16];
                    try {
                        rows.read(0, rows.count(), values, 0);
                    } catch (KvCacheException overtaken) {
                        assertEquals(Reason.STALE, overtaken.reason());
                        continue;
                    }
                    for (int i = 0; i < values.length; i++) {
                        assertEquals(rows.firstToken() + i / 16, values[i]);
                    }
                    if (rows.count() > 0) {
                        read++;
                        someRead.countDown();
                    }
                }
                return read;
            });
            Future<?> writer = pool.submit(() -> {
                for (int token = 0; token < tokens; token++) {
                    cache.append(cache.end(), List.of(backend.tensors().full(Shape.of(1, 16), token)));
                    if (token == tokens / 2) {
                        // A slow start of the reader must not leave it nothing to read.
                        var _ = someRead.await(10, TimeUnit.SECONDS);
                    }
                }
                return tokens;
            });
            writer.get();
            assertTrue(reader.get() > 0);
        }
    }

    @Test
    void layoutsCheckThemselves() {
        assertThrows(IllegalArgumentException.class, () -> new RowLayout(List.of()));
        assertThrows(IllegalArgumentException.class, () -> RowLayout.of("key", 0));
        assertThrows(IllegalArgumentException.class, () -> RowLayout.of(" ", 1));
        assertThrows(IllegalArgumentException.class, () -> LAYOUT.with("latent", 3));
        assertThrows(IllegalArgumentException.class, () -> new ContiguousKvCache(LAYOUT, 0));
        assertThrows(IllegalArgumentException.class, () -> new SequenceCache(List.of()));
        assertEquals("(latent [5] + rotary key [2])", LAYOUT.toString());
    }

    @Test
    void entriesMustNotBeForgotten() {
        RowLayout layout = RowLayout.of("a", 2);
        try (KvCache tokens = new ContiguousKvCache(layout, 8);
                KvCache ring =
                        new SlidingKvCache(RowStorage.float32(RowLayout.of("b", 2)), new SlidingWindow(2, 0), 8)) {
            KvCacheException refusal =
                    assertThrows(KvCacheException.class, () -> new CompressedKvCache(tokens, ring, 2));
            assertEquals(KvCacheException.Reason.LAYOUT, refusal.reason());
        }
    }

    /** Layers compare a pass with the capacity before they append to the first cache of a batch, so entries must count too. */
    @Test
    void entriesLimitTheCapacity() {
        var hundred = new ContiguousKvCache(RowLayout.of("a", 2), 100);
        try (KvCache few = new CompressedKvCache(hundred, new ContiguousKvCache(RowLayout.of("b", 2), 4), 5)) {
            assertEquals(24, few.capacity());
        }
        var ten = new ContiguousKvCache(RowLayout.of("a", 2), 10);
        try (KvCache many = new CompressedKvCache(ten, new ContiguousKvCache(RowLayout.of("b", 2), 4), 5)) {
            assertEquals(10, many.capacity());
        }
    }
}
