package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Storage;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class BlockPoolTest {
    private static final RowStorage STORAGE =
            RowStorage.float32(RowLayout.of("key", 3).with("value", 2));
    private static final int BLOCK = 4;

    private final Backend backend = TestBackends.get("scalar");
    private final RandomStream random = RandomStream.of(3);

    private static BlockPool pool(int blocks) {
        return BlockPoolConfig.of(blocks, 2, STORAGE).withBlockTokens(BLOCK).init();
    }

    private void append(PagedSequence sequence, int tokens) {
        List<Tensor> rows = KvCacheProperties.rows(backend, STORAGE.layout(), tokens, random);
        for (int layer = 0; layer < sequence.caches().layers(); layer++) {
            KvCache cache = sequence.layer(layer);
            cache.append(cache.end(), rows);
        }
    }

    private float[] values(PagedSequence sequence) {
        return sequence.layer(1).rows().tensor(backend).toFloats();
    }

    private static int[] ids(int count) {
        return IntStream.range(100, 100 + count).toArray();
    }

    private static String assertReason(Reason reason, Executable call) {
        KvCacheException failure = assertThrows(KvCacheException.class, call);
        assertEquals(reason, failure.reason());
        return String.valueOf(failure.getMessage());
    }

    @Test
    void aSharedPrefixIsStoredOnce() {
        try (BlockPool pool = pool(20)) {
            PagedSequence first = pool.sequence(40);
            append(first, 10);
            first.publish(ids(10));
            assertEquals(3, pool.memory().referenced());
            List<PagedSequence> others = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                PagedSequence other = pool.sequence(40, ids(10));
                assertEquals(8, other.length());
                assertArrayEquals(Arrays.copyOf(values(first), 8 * 5), values(other));
                append(other, 2);
                others.add(other);
            }
            assertEquals(3 + 5, pool.memory().referenced());
            others.forEach(PagedSequence::close);
            first.close();
            assertEquals(new PoolMemory(pool.memory().reservedBytes(), 20, 0, 2, 18), pool.memory());
        }
    }

    @Test
    void whatTwoComputedAloneIsStoredOnceWhenBothPublish() {
        try (BlockPool pool = pool(20)) {
            PagedSequence first = pool.sequence(40);
            PagedSequence second = pool.sequence(40);
            append(first, 9);
            append(second, 9);
            first.publish(ids(9));
            CacheRows view = second.layer(0).rows();
            second.publish(ids(9));
            assertEquals(2 + 1 + 1, pool.memory().referenced());
            assertArrayEquals(
                    IntStream.of(first.table()).limit(2).toArray(),
                    IntStream.of(second.table()).limit(2).toArray());
            assertReason(Reason.STALE, () -> view.tensor(backend));
            second.publish(ids(9));
            assertEquals(4, pool.memory().referenced());
        }
    }

    @Test
    void writingIntoASharedBlockCopiesIt() {
        try (BlockPool pool = pool(20)) {
            PagedSequence parent = pool.sequence(40);
            append(parent, 6);
            float[] before = values(parent);
            PagedSequence child = parent.fork();
            assertEquals(2, pool.memory().referenced());
            append(child, 1);
            assertEquals(3, pool.memory().referenced());
            assertEquals(parent.table()[0], child.table()[0]);
            assertArrayEquals(before, values(parent));
            append(parent, 2);
            assertArrayEquals(before, Arrays.copyOf(values(parent), before.length));
            assertArrayEquals(before, Arrays.copyOf(values(child), before.length));
            parent.close();
            assertEquals(2, pool.memory().referenced());
        }
    }

    @Test
    void aPublishedBlockIsNeverWrittenTo() {
        try (BlockPool pool = pool(20)) {
            PagedSequence sequence = pool.sequence(40);
            append(sequence, 8);
            sequence.publish(ids(8));
            float[] before = values(sequence);
            sequence.truncate(5);
            append(sequence, 3);
            assertArrayEquals(before, values(pool.sequence(40, ids(8))));
            String message = String.valueOf(assertThrows(
                            IllegalArgumentException.class, () -> sequence.publish(new int[] {1, 2, 3, 4, 5, 6, 7, 8}))
                    .getMessage());
            assertTrue(message.contains("published before with other token ids"), message);
        }
    }

    /** Even where other ids lead to a block: it holds the rows of another sequence. */
    @Test
    void aPublishedBlockKeepsItsNameWhereTheOtherIsTaken() {
        try (BlockPool pool = pool(20)) {
            int[] others = IntStream.range(500, 508).toArray();
            PagedSequence first = pool.sequence(40);
            PagedSequence second = pool.sequence(40);
            append(first, 8);
            append(second, 8);
            first.publish(ids(8));
            second.publish(others);
            float[] before = values(first);
            PoolMemory memory = pool.memory();
            String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> first.publish(others))
                    .getMessage());
            assertTrue(message.contains("block " + first.table()[0]), message);
            assertTrue(message.contains("published before with other token ids"), message);
            assertArrayEquals(before, values(first));
            assertEquals(memory, pool.memory());
            first.publish(ids(8));
            second.publish(others);
            assertEquals(memory, pool.memory());
        }
    }

    @Test
    void exhaustionNamesTheNumbersAndLosesNothing() {
        try (BlockPool pool = pool(4)) {
            PagedSequence sequence = pool.sequence(40);
            append(sequence, 10);
            PagedSequence fork = sequence.fork();
            float[] before = values(sequence);
            PoolMemory memory = pool.memory();
            String message = assertReason(Reason.EXHAUSTED, () -> append(fork, 6));
            assertTrue(message.contains("2 more blocks of 4 tokens are needed, but of 4 blocks 1 are free"), message);
            assertEquals(memory, pool.memory());
            assertArrayEquals(before, values(sequence));
            assertArrayEquals(before, values(fork));
            append(fork, 2);
            assertEquals(0, pool.memory().free());
            assertReason(Reason.EXHAUSTED, () -> append(sequence, 3));
            fork.close();
            append(sequence, 3);
            KvCache small = pool.sequence(3).layer(0);
            assertReason(
                    Reason.EXHAUSTED,
                    () -> small.append(small.end(), KvCacheProperties.rows(backend, STORAGE.layout(), 4, random)));
        }
    }

    @Test
    void whatWasNotUsedForLongestIsForgottenFirst() {
        try (BlockPool pool = pool(5)) {
            for (int start = 0; start < 2; start++) {
                PagedSequence sequence = pool.sequence(40);
                append(sequence, 8);
                sequence.publish(IntStream.range(start * 50, start * 50 + 8).toArray());
                sequence.close();
            }
            assertEquals(4, pool.memory().cached());
            // Looking at the first again makes the second the older one.
            pool.sequence(40, IntStream.range(0, 8).toArray()).close();
            PagedSequence large = pool.sequence(40);
            append(large, 8);
            assertEquals(3, pool.memory().cached());
            assertEquals(8, pool.sequence(40, IntStream.range(0, 8).toArray()).length());
            assertEquals(4, pool.sequence(40, IntStream.range(50, 58).toArray()).length());
        }
    }

    @Test
    void tablesOfASchedulerAreChecked() {
        try (BlockPool pool = pool(6)) {
            PagedSequence sequence = pool.sequence(40);
            append(sequence, 6);
            int[] table = sequence.table();
            try (PagedSequence same = pool.sequence(40, table, 6)) {
                assertArrayEquals(values(sequence), values(same));
            }
            String message = assertReason(Reason.FOREIGN_BLOCK, () -> pool.sequence(40, new int[] {table[0], 6}, 6));
            assertTrue(message.contains("block 6") && message.contains("none of the 6 blocks"), message);
            int free = IntStream.range(0, 6)
                    .filter(block -> block != table[0] && block != table[1])
                    .findFirst()
                    .orElseThrow();
            assertReason(Reason.FOREIGN_BLOCK, () -> pool.sequence(40, new int[] {table[0], free}, 6));
            assertReason(Reason.FOREIGN_BLOCK, () -> pool.sequence(40, new int[] {-1}, 4));
            assertReason(Reason.LENGTH, () -> pool.sequence(40, table, 9));
            assertReason(Reason.EXHAUSTED, () -> pool.sequence(5, table, 6));
            assertEquals(2, pool.memory().referenced());
        }
    }

    /** Two positions over one block would overwrite each other, and publishing would name the block twice. */
    @Test
    void aTableThatNamesABlockTwiceIsRefused() {
        try (BlockPool pool = pool(6)) {
            PagedSequence sequence = pool.sequence(40);
            append(sequence, 12);
            int[] table = sequence.table();
            int[] twice = {table[0], table[1], table[0]};
            String message = assertReason(Reason.FOREIGN_BLOCK, () -> pool.sequence(40, twice, 12));
            assertTrue(message.contains("block " + table[0]) && message.contains("twice"), message);
            sequence.close();
            assertEquals(6, pool.memory().free());
        }
    }

    @Test
    void theLongestLengthsNeedAsManyBlocksAsTheyDo() {
        try (BlockPool pool = pool(6)) {
            for (int length : new int[] {Integer.MAX_VALUE, Integer.MAX_VALUE - 2}) {
                String message =
                        assertReason(Reason.LENGTH, () -> pool.sequence(Integer.MAX_VALUE, new int[0], length));
                assertTrue(message.contains("need 536870912 blocks but the table has 0"), message);
            }
        }
    }

    /** Somebody holds the end of a published path but not its beginning. */
    @Test
    void anEndWithoutItsBeginningDoesNotBlockThePool() {
        try (BlockPool pool = pool(3)) {
            PagedSequence sequence = pool.sequence(40);
            append(sequence, 8);
            sequence.publish(ids(8));
            PagedSequence end = pool.sequence(40, new int[] {sequence.table()[1]}, 4);
            float[] before = values(end);
            sequence.close();
            assertEquals(1, pool.memory().cached());
            append(pool.sequence(40), 8);
            assertArrayEquals(before, values(end));
            assertEquals(0, pool.sequence(40, ids(8)).length());
            end.close();
            assertEquals(1, pool.memory().free());
        }
    }

    @Test
    void closingAndUseAfterwards() {
        BlockPool pool = pool(6);
        PagedSequence sequence = pool.sequence(40);
        append(sequence, 6);
        CacheRows view = sequence.layer(0).rows();
        PagedSequence closed = sequence.fork();
        closed.close();
        closed.close();
        assertReason(Reason.CLOSED, closed::length);
        assertReason(Reason.CLOSED, closed::fork);
        assertReason(Reason.CLOSED, () -> closed.publish(ids(0)));
        assertReason(Reason.CLOSED, () -> closed.layer(0).length());
        assertReason(Reason.CLOSED, () -> append(closed, 1));
        assertEquals(CacheMemory.NONE, closed.caches().memory());
        assertReason(Reason.LENGTH, () -> sequence.publish(ids(7)));
        assertReason(Reason.LENGTH, () -> sequence.truncate(7));
        pool.close();
        pool.close();
        assertReason(Reason.STALE, () -> view.tensor(backend));
        assertReason(Reason.CLOSED, () -> append(sequence, 1));
        assertReason(Reason.CLOSED, () -> pool.sequence(3));
        assertEquals(0, pool.memory().reservedBytes());
    }

    /** A view that outlives its rows must not show the rows of the sequence that got the block. */
    @Test
    void aViewDoesNotShowWhatOthersWroteLater() {
        try (BlockPool pool = pool(1)) {
            PagedSequence first = pool.sequence(4);
            append(first, 4);
            CacheRows view = first.layer(0).rows();
            first.close();
            append(pool.sequence(4), 4);
            assertReason(Reason.STALE, () -> view.tensor(backend));
        }
    }

    @Test
    void threadsShareAPoolAndASequence() throws Exception {
        int threads = 4;
        try (BlockPool pool = pool(400);
                var workers = Executors.newFixedThreadPool(threads)) {
            PagedSequence shared = pool.sequence(1000);
            append(shared, 8);
            shared.publish(ids(8));
            var tasks = new ArrayList<Callable<Integer>>();
            for (int t = 0; t < threads; t++) {
                RandomStream own = RandomStream.of(t);
                tasks.add(() -> {
                    for (int round = 0; round < 50; round++) {
                        try (PagedSequence sequence = pool.sequence(100, ids(8));
                                PagedSequence fork = shared.fork()) {
                            List<Tensor> rows = KvCacheProperties.rows(backend, STORAGE.layout(), 5, own);
                            for (PagedSequence each : List.of(sequence, fork)) {
                                each.layer(0).append(each.layer(0).end(), rows);
                                each.layer(1).append(each.layer(1).end(), rows);
                                float[] back = each.layer(1)
                                        .rows("key")
                                        .tensor(backend)
                                        .toFloats();
                                int end = each.length() * 3;
                                assertArrayEquals(rows.getFirst().toFloats(), Arrays.copyOfRange(back, end - 15, end));
                            }
                        }
                        KvCacheProperties.appendBesideOthers(
                                shared.layer(0), KvCacheProperties.rows(backend, STORAGE.layout(), 1, own));
                    }
                    return 0;
                });
            }
            for (var done : workers.invokeAll(tasks)) {
                done.get();
            }
            assertEquals(8 + threads * 50, shared.layer(0).length());
            assertEquals((8 + threads * 50 + BLOCK - 1) / BLOCK, pool.memory().referenced());
        }
    }

    /** Something happens while a cache reads these rows. */
    private Tensor rowsThat(Runnable doSomething, int tokens, int width) {
        float[] values = new float[tokens * width];
        Arrays.fill(values, 7);
        return Tensor.of(Shape.of(tokens, width), DType.FLOAT32, new Storage() {
            @Override
            public long size() {
                return values.length;
            }

            @Override
            public float[] toFloats() {
                doSomething.run();
                return values.clone();
            }

            @Override
            public double[] toDoubles() {
                throw new UnsupportedOperationException();
            }

            @Override
            public int[] toInts() {
                throw new UnsupportedOperationException();
            }
        });
    }

    /** Also where blocks had been taken and copied before it failed. */
    @Test
    void anAppendThatFailsMidwayChangesNothing() {
        try (BlockPool pool = pool(20)) {
            PagedSequence sequence = pool.sequence(40);
            append(sequence, 6);
            PagedSequence fork = sequence.fork();
            PagedSequence alone = pool.sequence(40);
            append(alone, 6);
            for (PagedSequence each : List.of(fork, alone)) {
                CacheRows view = each.layer(1).rows();
                float[] before = values(each);
                int[] table = each.table();
                PoolMemory memory = pool.memory();
                Runnable failing = () -> {
                    throw new IllegalStateException("device lost");
                };
                List<Tensor> rows = List.of(rowsThat(() -> {}, 7, 3), rowsThat(failing, 7, 2));
                KvCache cache = each.layer(0);
                CacheEnd end = cache.end();
                assertThrows(IllegalStateException.class, () -> cache.append(end, rows));
                assertEquals(memory, pool.memory());
                assertArrayEquals(table, each.table());
                assertEquals(end, cache.end());
                assertArrayEquals(before, values(each));
                assertArrayEquals(before, view.tensor(backend).toFloats());
                append(each, 7);
                assertEquals(13, each.length());
            }
            fork.close();
            alone.close();
            sequence.close();
            assertEquals(20, pool.memory().free());
        }
    }

    /** Else the one that adopts it would see rows change behind its back, since the writer has found itself alone before. */
    @Test
    void aBlockThatIsBeingWrittenToCannotBeAdopted() {
        try (BlockPool pool = pool(20)) {
            PagedSequence sequence = pool.sequence(40);
            append(sequence, 6);
            int[] table = sequence.table();
            sequence.truncate(5);
            var refusals = new ArrayList<String>();
            Runnable adopt = () -> refusals.add(assertReason(Reason.FOREIGN_BLOCK, () -> pool.sequence(40, table, 6)));
            KvCache cache = sequence.layer(0);
            cache.append(cache.end(), List.of(rowsThat(adopt, 1, 3), rowsThat(() -> {}, 1, 2)));
            assertEquals(1, refusals.size());
            assertTrue(
                    refusals.getFirst().contains("block " + table[1] + " ")
                            && refusals.getFirst().contains("being written to"),
                    refusals.getFirst());
            try (PagedSequence adopted = pool.sequence(40, table, 5)) {
                assertArrayEquals(values(sequence), values(adopted));
            }
            // After a failure nothing is being written to either.
            Runnable failing = () -> {
                throw new IllegalStateException("device lost");
            };
            List<Tensor> lost = List.of(rowsThat(() -> {}, 1, 3), rowsThat(failing, 1, 2));
            assertThrows(IllegalStateException.class, () -> cache.append(cache.end(), lost));
            pool.sequence(40, table, 5).close();
        }
    }

    /**
     * Two sequences compute the same tokens and publish them in turn, so that one adopts the blocks of the other while threads read from
     * both; what it gives back is filled with other rows at once. A reader gets the rows of the tokens, or is refused.
     */
    @Test
    void readersSeeTheRightRowsWhileTablesAreAdopted() throws Exception {
        int rounds = 150;
        int tokens = 8;
        List<Tensor> right = KvCacheProperties.rows(backend, STORAGE.layout(), tokens, RandomStream.of(1));
        List<Tensor> wrong = KvCacheProperties.rows(backend, STORAGE.layout(), tokens, RandomStream.of(2));
        float[] expected = right.getFirst().toFloats();
        try (var threads = Executors.newFixedThreadPool(3)) {
            int read = 0;
            for (int round = 0; round < rounds; round++) {
                try (BlockPool pool = pool(8)) {
                    PagedSequence first = pool.sequence(tokens);
                    PagedSequence second = pool.sequence(tokens);
                    for (PagedSequence each : List.of(first, second)) {
                        for (int layer = 0; layer < 2; layer++) {
                            each.layer(layer).append(each.layer(layer).end(), right);
                        }
                    }
                    var start = new CyclicBarrier(3);
                    List<PagedSequence> both = List.of(first, second);
                    var done = new AtomicBoolean();
                    Callable<Integer> reader = () -> {
                        List<CacheRows> before = both.stream()
                                .map(each -> each.layer(1).rows("key"))
                                .toList();
                        start.await(60, TimeUnit.SECONDS);
                        int same = 0;
                        for (int i = 0; i < 4 || !done.get(); i++) {
                            PagedSequence each = both.get(i % 2);
                            CacheRows rows = i % 4 < 2
                                    ? before.get(i % 2)
                                    : each.layer(1).rows("key");
                            try {
                                assertArrayEquals(expected, rows.tensor(backend).toFloats());
                                same++;
                            } catch (KvCacheException overtaken) {
                                assertEquals(Reason.STALE, overtaken.reason());
                            }
                        }
                        return same;
                    };
                    Callable<Integer> publisher = () -> {
                        start.await(60, TimeUnit.SECONDS);
                        try (PagedSequence other = pool.sequence(4 * tokens)) {
                            first.publish(ids(tokens));
                            second.publish(ids(tokens));
                            while (pool.memory().free() > 0) {
                                KvCache cache = other.layer(1);
                                cache.append(cache.end(), wrong);
                            }
                            return 0;
                        } finally {
                            done.set(true);
                        }
                    };
                    for (var each : threads.invokeAll(List.of(reader, reader, publisher))) {
                        read += each.get();
                    }
                    assertArrayEquals(first.table(), second.table());
                }
            }
            assertTrue(read > rounds, "hardly any read succeeded: " + read);
        }
    }

    /** Long appends are cut for threads. */
    @Test
    void aLongAppendStoresWhatSingleOnesDo() {
        TiledRows format = TiledRows.V32_FP8_SPARSE;
        RowLayout layout = RowLayout.of("latent", format.coded()).with("rotary", format.rotary());
        for (RowStorage storage :
                List.of(RowStorage.float32(layout), RowStorage.float32(layout).with(format, "latent", "rotary"))) {
            try (Backend vector = Backends.open("vector");
                    BlockPool pool = BlockPoolConfig.of(32, 1, storage).init()) {
                Tensor latent = Sample.gaussian("latent", RandomStream.of(1), 1000, format.coded())
                        .on(vector);
                Tensor rotary = Sample.gaussian("rotary", RandomStream.of(1), 1000, format.rotary())
                        .on(vector);
                KvCache together = pool.sequence(1000).layer(0);
                together.append(together.end(), List.of(latent, rotary));
                KvCache single = pool.sequence(1000).layer(0);
                for (int t = 0; t < 1000; t++) {
                    single.append(
                            single.end(), List.of(Slice.slice(latent, 0, t, t + 1), Slice.slice(rotary, 0, t, t + 1)));
                }
                float[] expected = new float[1000 * format.width()];
                float[] actual = new float[expected.length];
                single.rows().read(0, 1000, expected, 0);
                together.rows().read(0, 1000, actual, 0);
                assertArrayEquals(expected, actual);
            }
        }
    }
}
