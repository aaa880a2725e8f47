package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One thread decodes, and takes back what it guessed, while another writes snapshots. */
class CacheSnapshotThreadsTest {
    private static final int CAPACITY = 200;
    private static final int RATIO = 3;
    private static final RowStorage TOKENS = RowStorage.float32(RowLayout.of("key", 2));
    private static final RowStorage ENTRIES = RowStorage.float32(RowLayout.of("entry", 1));

    private final Backend backend = TestBackends.get("scalar");

    @TempDir
    private Path folder = Path.of("");

    private static SequenceCache caches(BlockPool pool) {
        return new SequenceCache(List.of(
                new ContiguousKvCache(TOKENS, CAPACITY),
                new CompressedKvCache(
                        new SlidingKvCache(TOKENS, new SlidingWindow(2 * RATIO, 8), CAPACITY),
                        pool.sequence(CAPACITY).layer(0),
                        RATIO),
                new ContiguousKvCache(TOKENS, CAPACITY)));
    }

    /** The row of a token names it and the pass that computed it; an entry, the passes of its run, summed up. */
    private void pass(SequenceCache caches, float[] passOf, int length, int pass) {
        passOf[length] = pass;
        Tensor key = backend.tensors().floats(Shape.of(1, 2), new float[] {length, pass});
        caches.layer(0).append(caches.layer(0).end(), List.of(key));
        int entries = (length + 1) / RATIO - length / RATIO;
        float[] sum = new float[entries];
        for (int i = 0; entries > 0 && i < RATIO; i++) {
            sum[0] += passOf[length - i];
        }
        caches.layer(1)
                .append(caches.layer(1).end(), List.of(key, backend.tensors().floats(Shape.of(entries, 1), sum)));
        caches.layer(2).append(caches.layer(2).end(), List.of(key));
    }

    private void decode(SequenceCache caches, AtomicBoolean done) {
        float[] passOf = new float[CAPACITY];
        int length = 0;
        for (int pass = 1; !done.get(); pass++) {
            pass(caches, passOf, length++, pass);
            if (pass % 7 == 0) {
                length -= Math.min(length, pass % 5);
                caches.truncate(length);
            }
            if (length > CAPACITY - 8) {
                length = 0;
                caches.truncate(0);
            }
            if (pass % 2 == 0) {
                // What lies between passes, at which a snapshot may begin.
                LockSupport.parkNanos(100_000);
            }
        }
    }

    private float[] values(CacheRows rows) {
        return rows.tensor(backend).toFloats();
    }

    private void assertConsistent(SequenceCache read) {
        int length = read.length();
        float[] keys = values(read.layer(0).rows());
        assertEquals(2 * length, keys.length);
        float[] window = values(read.layer(1).rows("key"));
        int first = read.layer(1).rows("key").firstToken();
        assertEquals(length, first + window.length / 2);
        assertTrue(length - first >= Math.min(length, 2 * RATIO));
        assertEquals(Arrays.toString(Arrays.copyOfRange(keys, 2 * first, keys.length)), Arrays.toString(window));
        assertEquals(Arrays.toString(keys), Arrays.toString(values(read.layer(2).rows())));
        float[] entries = values(read.layer(1).rows("entry"));
        assertEquals(length / RATIO, entries.length);
        for (int token = 0; token < length; token++) {
            assertEquals(token, keys[2 * token]);
            assertTrue(token == 0 || keys[2 * token + 1] > keys[2 * token - 1]);
        }
        for (int entry = 0; entry < entries.length; entry++) {
            float sum = 0;
            for (int i = 0; i < RATIO; i++) {
                sum += keys[2 * (entry * RATIO + i) + 1];
            }
            assertEquals(sum, entries[entry]);
        }
    }

    /** Whether one was written. */
    private boolean snapshot(SequenceCache caches, BlockPool pool) throws IOException {
        Path file = folder.resolve("cache.kv");
        try {
            CacheSnapshot.write(file, "", caches);
        } catch (KvCacheException refused) {
            assertTrue(Set.of(Reason.LENGTH, Reason.STALE).contains(refused.reason()), refused::toString);
            return false;
        }
        try (SequenceCache read = caches(pool)) {
            CacheSnapshot.restore(file, "", read);
            assertConsistent(read);
        }
        return true;
    }

    @Test
    void aSnapshotIsRefusedOrAConsistentPrefix() throws Exception {
        AtomicBoolean done = new AtomicBoolean();
        try (BlockPool pool =
                        BlockPoolConfig.of(120, 1, ENTRIES).withBlockTokens(4).init();
                SequenceCache caches = caches(pool);
                var threads = Executors.newSingleThreadExecutor()) {
            Future<?> decoder = threads.submit(() -> decode(caches, done));
            try {
                int written = 0;
                for (int tried = 0; (tried < 60 || written < 5) && !decoder.isDone(); tried++) {
                    written += snapshot(caches, pool) ? 1 : 0;
                }
            } finally {
                done.set(true);
            }
            decoder.get();
            assertTrue(snapshot(caches, pool));
        }
    }
}
