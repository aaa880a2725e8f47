package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows go where they were computed for, and an end shows what was there when the sequence ended so. */
class CacheEndTest {
    private static final RowStorage STORAGE = RowStorage.float32(RowLayout.of("key", 2));
    private static final RowLayout ENTRIES = RowLayout.of("entry", 2);

    private final Backend backend = TestBackends.get("scalar");

    private Tensor rows(int first, int count) {
        float[] values = new float[count * 2];
        for (int i = 0; i < values.length; i++) {
            values[i] = first + i / 2;
        }
        return backend.tensors().floats(Shape.of(count, 2), values);
    }

    /** Tokens numbered from one on, and the entries that they complete in a compressed cache. */
    private List<Tensor> parts(KvCache cache, int first, int count) {
        var parts = new ArrayList<>(List.of(rows(first, count)));
        if (cache instanceof CompressedKvCache compressed) {
            int ratio = compressed.ratio();
            int length = cache.length();
            parts.add(rows(first, (length + count) / ratio - length / ratio));
        }
        return parts;
    }

    private CacheEnd append(KvCache cache, int first, int count) {
        return cache.append(cache.end(), parts(cache, first, count));
    }

    private float[] firsts(CacheRows rows) {
        float[] all = rows.tensor(backend).toFloats();
        float[] firsts = new float[rows.count()];
        for (int i = 0; i < firsts.length; i++) {
            firsts[i] = all[2 * i];
        }
        return firsts;
    }

    private static String refused(Reason reason, Executable call) {
        KvCacheException failure = assertThrows(KvCacheException.class, call);
        assertEquals(reason, failure.reason());
        return String.valueOf(failure.getMessage());
    }

    private static BlockPool pool() {
        return BlockPoolConfig.of(9, 2, STORAGE).withBlockTokens(4).init();
    }

    private static KvCache cache(String form, BlockPool pool) {
        return switch (form) {
            case "naive" -> NaiveKvCache.of(STORAGE, 20);
            case "contiguous" -> new ContiguousKvCache(STORAGE, 20);
            case "sliding" -> new SlidingKvCache(STORAGE, new SlidingWindow(9, 2), 20);
            case "paged" -> pool.sequence(20).layer(1);
            case "compressed" ->
                new CompressedKvCache(
                        new ContiguousKvCache(STORAGE, 20), new ContiguousKvCache(RowStorage.float32(ENTRIES), 10), 2);
            default -> throw new IllegalArgumentException(form);
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"naive", "contiguous", "sliding", "paged", "compressed"})
    void rowsForAnEndThatAnotherHasTakenAreRefused(String form) {
        try (BlockPool pool = pool();
                KvCache cache = cache(form, pool)) {
            CacheEnd three = append(cache, 0, 3);
            assertEquals(3, three.length());
            assertEquals(three, cache.end());
            List<Tensor> late = parts(cache, 90, 1);
            CacheEnd five = cache.append(three, parts(cache, 3, 2));
            assertEquals(5, five.length());
            String message = refused(Reason.LENGTH, () -> cache.append(three, late));
            assertTrue(message.contains("for position 3 but the cache holds 5 tokens"), message);
            refused(Reason.LENGTH, () -> cache.append(five.grown(1), late));
            assertEquals(five, cache.end());
            assertArrayEquals(new float[] {0, 1, 2, 3, 4}, firsts(cache.rows("key")));
            assertEquals(five, cache.append(five, parts(cache, 0, 0)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"naive", "contiguous", "sliding", "paged", "compressed"})
    void rowsBehindTokensThatWereReplacedAreRefused(String form) {
        try (BlockPool pool = pool();
                KvCache cache = cache(form, pool)) {
            CacheEnd three = append(cache, 0, 3);
            cache.truncate(2);
            assertEquals(3, append(cache, 70, 1).length());
            List<Tensor> late = parts(cache, 90, 1);
            String message = refused(Reason.STALE, () -> cache.append(three, late));
            assertTrue(message.contains("behind 3 tokens, of which some were taken back"), message);
            refused(Reason.STALE, () -> cache.rows(three, "key"));
            assertArrayEquals(new float[] {0, 1, 70}, firsts(cache.rows("key")));
            // Keeping everything takes nothing back.
            CacheEnd now = cache.end();
            cache.truncate(3);
            assertEquals(now, cache.end());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"naive", "contiguous", "sliding", "paged", "compressed"})
    void anEndShowsNothingThatWasAppendedLater(String form) {
        try (BlockPool pool = pool();
                KvCache cache = cache(form, pool)) {
            CacheEnd none = cache.end();
            CacheEnd five = append(cache, 0, 5);
            append(cache, 50, 4);
            assertArrayEquals(new float[] {0, 1, 2, 3, 4}, firsts(cache.rows(five, "key")));
            assertEquals(0, cache.rows(none, "key").count());
            assertEquals(9, cache.rows("key").count());
            refused(Reason.STALE, () -> cache.rows(five.grown(5), "key"));
            if (cache instanceof CompressedKvCache) {
                CacheRows entries = cache.rows(five, "entry");
                assertEquals(2, entries.count());
                assertEquals(2, entries.tokensPerRow());
                assertEquals(4, cache.rows("entry").count());
            }
        }
    }

    @Test
    void aRingShowsAnEndUntilItTurns() {
        for (boolean naive : new boolean[] {true, false}) {
            var window = new SlidingWindow(3, 2);
            try (KvCache cache =
                    naive ? new NaiveKvCache(STORAGE, window, 40) : new SlidingKvCache(STORAGE, window, 40)) {
                CacheEnd four = append(cache, 0, 4);
                CacheEnd five = append(cache, 4, 1);
                assertArrayEquals(new float[] {0, 1, 2, 3}, firsts(cache.rows(four)));
                CacheEnd six = append(cache, 5, 1);
                refused(Reason.STALE, () -> cache.rows(five));
                assertArrayEquals(new float[] {1, 2, 3, 4, 5}, firsts(cache.rows(six)));
                append(cache, 6, 2);
                cache.truncate(7);
                CacheEnd seven = cache.end();
                assertArrayEquals(new float[] {3, 4, 5, 6}, firsts(cache.rows(seven)));
                append(cache, 70, 1);
                assertArrayEquals(new float[] {3, 4, 5, 6}, firsts(cache.rows(seven)));
                append(cache, 71, 1);
                refused(Reason.STALE, () -> cache.rows(seven));
                refused(Reason.STALE, () -> cache.rows(six));
            }
        }
    }

    /** Each layer of a paged sequence has a history of its own: another layer that goes back disturbs no pass. */
    @Test
    void layersOfASequenceHaveTheirOwnHistories() {
        try (BlockPool pool = pool();
                PagedSequence sequence = pool.sequence(20)) {
            KvCache first = sequence.layer(0);
            KvCache second = sequence.layer(1);
            CacheEnd end = append(first, 0, 6);
            append(second, 0, 6);
            second.truncate(5);
            assertArrayEquals(new float[] {0, 1, 2, 3, 4, 5}, firsts(first.rows(end)));
            assertEquals(7, first.append(end, List.of(rows(6, 1))).length());
            CacheEnd both = first.end();
            sequence.truncate(5);
            refused(Reason.STALE, () -> first.rows(both));
            assertEquals(5, first.length());
        }
    }

    /** Tokens taken back through the cache that a compressed one is made of leave entries too many. */
    @Test
    void tokensAndEntriesOutOfStepAreRefused() {
        KvCache tokens = new ContiguousKvCache(STORAGE, 20);
        try (KvCache cache = new CompressedKvCache(tokens, new ContiguousKvCache(RowStorage.float32(ENTRIES), 10), 2)) {
            append(cache, 0, 6);
            tokens.truncate(3);
            String message = refused(Reason.LENGTH, () -> cache.rows("entry"));
            assertTrue(message.contains("3 tokens complete 1 runs of 2 but the cache holds 3 entries"), message);
            refused(Reason.LENGTH, () -> cache.append(cache.end(), List.of(rows(3, 1), rows(3, 1))));
            cache.truncate(2);
            assertEquals(1, cache.rows("entry").count());
            append(cache, 2, 2);
            assertEquals(2, cache.rows("entry").count());
        }
    }

    /** Who asks first is told what truncate would say, of both parts; who does not changes neither. */
    @Test
    void entriesThatAreGoneForbidALengthThatNeedsThem() {
        KvCache tokens = new ContiguousKvCache(STORAGE, 20);
        KvCache entries = new ContiguousKvCache(RowStorage.float32(ENTRIES), 10);
        try (KvCache cache = new CompressedKvCache(tokens, entries, 2)) {
            append(cache, 0, 7);
            entries.truncate(1);
            boolean[] held = {true, true, true, true, false, false, false, false, false};
            for (int length = -1; length < held.length; length++) {
                boolean accepted = length >= 0 && held[length];
                assertEquals(accepted, cache.canTruncateTo(length), "length " + length);
            }
            String message = refused(Reason.LENGTH, () -> cache.truncate(5));
            assertTrue(
                    message.contains("5 tokens complete 2 runs of 2 but of its 1 entries the cache cannot keep"),
                    message);
            assertEquals(7, tokens.length());
            refused(Reason.LENGTH, () -> cache.truncate(-1));
            refused(Reason.LENGTH, () -> cache.truncate(8));
            cache.truncate(3);
            assertEquals(3, tokens.length());
            assertEquals(1, entries.length());
            assertArrayEquals(new float[] {0}, firsts(cache.rows("entry")));
        }
    }

    /** As long as each other and neither ever truncated: nothing but the handle tells their ends apart. */
    @ParameterizedTest
    @ValueSource(strings = {"naive", "contiguous", "sliding", "paged", "compressed"})
    void anEndOfAnotherCacheIsRefused(String form) {
        try (BlockPool pool = pool();
                KvCache cache = cache(form, pool);
                KvCache other = cache(form, pool)) {
            assertForeign(cache, other.end());
            append(cache, 0, 3);
            CacheEnd foreign = append(other, 50, 3);
            assertForeign(cache, foreign);
            assertEquals(cache.end(), cache.end());
            assertNotEquals(cache.end(), foreign);
            append(other, 53, 2);
            assertForeign(cache, other.end());
            assertArrayEquals(new float[] {0, 1, 2}, firsts(cache.rows("key")));
        }
    }

    private void assertForeign(KvCache cache, CacheEnd end) {
        String message = refused(Reason.FOREIGN_END, () -> cache.append(end, parts(cache, 90, 1)));
        assertTrue(
                message.contains("append: the end behind " + end.length() + " tokens is that of another cache"),
                message);
        refused(Reason.FOREIGN_END, () -> cache.rows(end, "key"));
    }

    /** What forks have in common is no reason: the next token of one is not that of the other. */
    @Test
    void layersAndForksHaveEndsOfTheirOwn() {
        try (BlockPool pool = pool();
                PagedSequence sequence = pool.sequence(20)) {
            KvCache first = sequence.layer(0);
            KvCache second = sequence.layer(1);
            CacheEnd before = append(first, 0, 6);
            append(second, 0, 6);
            assertForeign(second, before);
            assertForeign(first, second.end());
            try (PagedSequence fork = sequence.fork();
                    PagedSequence again = pool.sequence(20, sequence.table(), 6)) {
                assertForeign(fork.layer(0), before);
                assertForeign(again.layer(0), before);
                CacheEnd forked = append(fork.layer(0), 60, 1);
                CacheEnd own = append(first, 6, 1);
                assertForeign(first, forked);
                assertForeign(fork.layer(0), own);
                assertArrayEquals(new float[] {0, 1, 2, 3, 4, 5}, firsts(first.rows(before)));
            }
            sequence.truncate(6);
            sequence.publish(new int[] {7, 7, 7, 7});
            try (PagedSequence prefixed = pool.sequence(20, new int[] {7, 7, 7, 7})) {
                assertEquals(4, prefixed.length());
                assertForeign(prefixed.layer(0), first.end());
            }
        }
    }
}
