package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.kvcache.KvCacheException.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What refusals and {@code toString} say: the call that was made, the numbers that disagree, the likely fix. */
class CacheMessagesTest {
    private static final RowLayout LAYOUT = RowLayout.of("key", 4);
    private static final RowStorage STORAGE = RowStorage.float32(LAYOUT);
    private static final RowStorage ENTRIES = RowStorage.float32(RowLayout.of("entry", 3));

    private final Backend backend = TestBackends.get("scalar");
    private final RandomStream random = RandomStream.of(5);

    private static void assertSays(Reason reason, String text, Executable call) {
        KvCacheException refusal = assertThrows(KvCacheException.class, call);
        assertEquals(reason, refusal.reason());
        String message = String.valueOf(refusal.getMessage());
        assertTrue(message.contains(text), () -> "'" + message + "' does not say '" + text + "'");
    }

    private void append(KvCache cache, int rows) {
        cache.append(cache.end(), KvCacheProperties.rows(backend, cache.layout(), rows, random));
    }

    private static CompressedKvCache compressed() {
        return new CompressedKvCache(new ContiguousKvCache(STORAGE, 6), new ContiguousKvCache(ENTRIES, 2), 2);
    }

    private static SlidingKvCache sliding() {
        return new SlidingKvCache(STORAGE, new SlidingWindow(3, 1), 9);
    }

    @Test
    void everyCallAfterCloseIsNamed() {
        try (BlockPool pool = BlockPoolConfig.of(4, 1, STORAGE).init()) {
            for (KvCache cache : List.of(
                    new ContiguousKvCache(STORAGE, 6),
                    sliding(),
                    compressed(),
                    pool.sequence(6).layer(0))) {
                CacheEnd end = cache.end();
                List<Tensor> parts = KvCacheProperties.rows(backend, cache.layout(), 1, random);
                cache.close();
                Map<String, Executable> calls = new LinkedHashMap<>();
                calls.put("length", cache::length);
                calls.put("end", cache::end);
                calls.put("append", () -> cache.append(end, parts));
                calls.put("truncate", () -> cache.truncate(0));
                calls.put("canTruncateTo", () -> cache.canTruncateTo(0));
                calls.put("rows", () -> cache.rows("key"));
                calls.put("view", () -> cache.view("key", backend));
                assertEquals(
                        Reason.CLOSED,
                        assertThrows(KvCacheException.class, () -> cache.rows(end, "key"))
                                .reason());
                calls.forEach((name, call) -> {
                    KvCacheException refusal = assertThrows(KvCacheException.class, call, name);
                    assertEquals(Reason.CLOSED, refusal.reason());
                    String message = String.valueOf(refusal.getMessage());
                    assertTrue(message.startsWith(name + ": "), message);
                    assertTrue(
                            message.contains("is closed and its rows are gone; close it after its last use"), message);
                });
                assertTrue(cache.toString().contains("closed"), cache.toString());
            }
        }
    }

    @Test
    void everyCallOfASequenceAfterCloseIsNamed() {
        SequenceCache caches = KvCacheConfig.of(6, 2, STORAGE).init();
        caches.close();
        assertSays(Reason.CLOSED, "truncate: ", () -> caches.truncate(0));
        assertSays(Reason.CLOSED, "length: ", caches::length);
        BlockPool pool = BlockPoolConfig.of(4, 2, STORAGE).init();
        PagedSequence sequence = pool.sequence(6);
        pool.close();
        assertSays(
                Reason.CLOSED, "truncate: the paged sequence, by itself or with its pool,", () -> sequence.truncate(0));
        assertSays(Reason.CLOSED, "fork: ", sequence::fork);
        assertSays(Reason.CLOSED, "table: ", sequence::table);
        assertSays(Reason.CLOSED, "publish: ", () -> sequence.publish(new int[0]));
        assertSays(Reason.CLOSED, "sequence: the block pool is closed", () -> pool.sequence(6));
        assertEquals("SequenceCache{2 × ContiguousKvCache{closed, (key [4])}}", caches.toString());
        assertEquals("PagedSequence{closed}", sequence.toString());
        assertEquals(
                "SequenceCache{2 × PagedKvCache{closed, (key [4])}}",
                sequence.caches().toString());
        assertEquals("BlockPool{closed}", pool.toString());
    }

    @Test
    void cachesSayWhatTheyHold() {
        try (BlockPool pool = BlockPoolConfig.of(4, 2, STORAGE).init();
                PagedSequence paged = pool.sequence(100);
                SequenceCache caches = new SequenceCache(
                        List.of(new ContiguousKvCache(STORAGE, 6), new ContiguousKvCache(STORAGE, 6), sliding()));
                KvCache compressed = compressed()) {
            for (int layer = 0; layer < 3; layer++) {
                append(caches.layer(layer), 5);
            }
            assertEquals(
                    "SequenceCache{2 × ContiguousKvCache{5 of 6 rows, 96 bytes, (key [4])},"
                            + " 1 × SlidingKvCache{5 of 9 tokens, rows of the last 4, 64 bytes, (key [4])}}",
                    caches.toString());
            append(paged.layer(0), 5);
            assertEquals("PagedSequence{0…5 of 100 tokens, 2 layers, 1 blocks of 64}", paged.toString());
            assertEquals(
                    "PagedKvCache{5 of 100 rows, 1024 bytes, (key [4])}",
                    paged.layer(0).toString());
            assertEquals(
                    "BlockPool{4 blocks of 64 tokens in 2 layers, 1 held, 0 remembered, 3 free, 8192 bytes}",
                    pool.toString());
            assertEquals(
                    "CompressedKvCache{2 tokens an entry, ContiguousKvCache{0 of 6 rows, 96 bytes, (key [4])},"
                            + " ContiguousKvCache{0 of 2 rows, 24 bytes, (entry [3])}}",
                    compressed.toString());
            CacheRows rows = caches.layer(2).rows();
            StoredRows stored = rows.stored().getFirst();
            assertEquals("CacheRows{4 rows (key [4]) from token 1}", rows.toString());
            assertEquals("StoredRows{4 rows (key [4]), 16 bytes each}", stored.toString());
            caches.truncate(0);
            assertEquals("CacheRows{4 rows (key [4]) from token 1, out of date}", rows.toString());
            assertEquals("StoredRows{4 rows (key [4]), 16 bytes each, out of date}", stored.toString());
            assertEquals(
                    "CacheRows{0 rows (entry [3]), 2 tokens each}",
                    compressed.rows("entry").toString());
        }
    }

    @Test
    void storagesSayWhatTheyAreMadeOf() {
        RowStorage storage = RowStorage.float32(
                        RowLayout.of("latent", 16).with("rotary key", 4).with("scorer key", 8))
                .with(TiledRows.fp8(16, 4, 8), "latent", "rotary key");
        assertEquals(
                "RowStorage{(latent [16] + rotary key [4]) as 16 E4M3 by 8 with FLOAT32 IN_ROW, 4 bfloat16,"
                        + " (scorer key [8]) as float32, 64 bytes a row}",
                storage.toString());
    }

    @Test
    void numbersThatDisagreeAreNamed() {
        try (SequenceCache one = KvCacheConfig.of(6, 1, STORAGE).init();
                SequenceCache three = KvCacheConfig.of(6, 3, STORAGE).init();
                KvCache compressed = compressed()) {
            assertSays(Reason.LAYOUT, "there is no layer 7; the sequence has 1 layer, number 0", () -> one.layer(7));
            assertSays(Reason.LAYOUT, "no layer -1; the sequence has 3 layers, numbers 0…2", () -> three.layer(-1));
            append(one.layer(0), 5);
            assertSays(
                    Reason.LENGTH,
                    "truncate: length 6 is none of 0…5, which a cache of 5 tokens can go back to;",
                    () -> one.truncate(6));
            assertSays(
                    Reason.EXHAUSTED,
                    "append: 3 rows behind 5 exceed the capacity of 6 by 2;",
                    () -> append(one.layer(0), 3));
            assertSays(
                    Reason.LAYOUT,
                    "have no part called 'value'; name one of these",
                    () -> one.layer(0).rows("value"));
            var tokens = KvCacheProperties.rows(backend, LAYOUT, 6, random).getFirst();
            var entries =
                    KvCacheProperties.rows(backend, ENTRIES.layout(), 3, random).getFirst();
            assertSays(
                    Reason.EXHAUSTED,
                    "append: 3 entries behind 0 exceed the capacity of 2 entries; 6 tokens by 2 need a capacity of 3",
                    () -> compressed.append(compressed.end(), List.of(tokens, entries)));
            assertEquals(0, compressed.length());
            CacheRows rows = one.layer(0).rows();
            assertEquals(
                    "stored rows: row 5 is not among the 5 rows of this view",
                    Thrown.message(
                            IndexOutOfBoundsException.class,
                            () -> rows.stored().getFirst().offset(5)));
            assertEquals(
                    "read: rows 4…7 are not among the 5 rows of this view",
                    Thrown.message(IndexOutOfBoundsException.class, () -> rows.read(4, 3, new float[12], 0)));
            assertEquals(
                    "read: 2 rows of 4 numbers from index 1 on do not fit into an array of 8",
                    Thrown.message(IndexOutOfBoundsException.class, () -> rows.read(0, 2, new float[8], 1)));
            assertEquals(
                    "gather: row 5, number 1 of those chosen, is neither -1 nor among the 5 rows of this view",
                    Thrown.message(
                            IndexOutOfBoundsException.class,
                            () -> rows.gather(new int[] {-1, 5}, 0, 2, new float[8], 0)));
            assertEquals(
                    "gather: 2 row numbers from index 1 on are not among the 2 given",
                    Thrown.message(
                            IndexOutOfBoundsException.class,
                            () -> rows.gather(new int[] {-1, 5}, 1, 2, new float[8], 0)));
        }
    }
}
