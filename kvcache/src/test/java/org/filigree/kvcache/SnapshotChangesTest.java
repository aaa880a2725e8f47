package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that changes between the comparison of its checksums and the copy of its rows leaves every cache empty. */
class SnapshotChangesTest {
    private static final int TOKENS = 11;
    /** Scales behind the rows in one plane, none in the other. */
    private static final RowStorage STORAGE =
            RowStorage.float32(RowLayout.of("key", 64).with("value", 3)).with(TiledRows.fp4IndexKeys(64), "key");

    private final Backend backend = TestBackends.get("scalar");

    @TempDir
    private Path folder = Path.of("");

    private Path file() {
        return folder.resolve("cache.kv");
    }

    private void append(KvCache cache) {
        cache.append(cache.end(), KvCacheProperties.rows(backend, STORAGE.layout(), TOKENS, RandomStream.of(5)));
    }

    private Runnable changing(byte[] written, UnaryOperator<byte[]> change) {
        return () -> {
            try {
                Files.write(file(), change.apply(written.clone()));
            } catch (IOException failure) {
                throw new UncheckedIOException(failure);
            }
        };
    }

    private static List<KvCache> forms(BlockPool pool) {
        return List.of(
                new ContiguousKvCache(STORAGE, 20),
                new SlidingKvCache(STORAGE, new SlidingWindow(3, 1), 20),
                pool.sequence(20).layer(0));
    }

    /** The first cache has taken its rows when the file changes under the second. */
    @Test
    void rowsAreComparedWhenTheyAreTaken() throws IOException {
        try (SequenceCache caches = KvCacheConfig.of(TOKENS, 2, STORAGE).init();
                BlockPool pool =
                        BlockPoolConfig.of(9, 1, STORAGE).withBlockTokens(4).init()) {
            append(caches.layer(0));
            append(caches.layer(1));
            CacheSnapshot.write(file(), "", caches);
            byte[] written = Files.readAllBytes(file());
            int rows = TOKENS * STORAGE.bytesPerRow();
            for (KvCache form : forms(pool)) {
                KvCache first = new ContiguousKvCache(STORAGE, 20);
                for (int at = written.length - rows; at < written.length; at += 5) {
                    int place = at;
                    Runnable change = changing(written, bytes -> {
                        bytes[place] ^= 4;
                        return bytes;
                    });
                    Files.write(file(), written);
                    var into = new SequenceCache(List.of(first, new InterruptedCache(form, change)));
                    KvCacheException refusal =
                            assertThrows(KvCacheException.class, () -> CacheSnapshot.restore(file(), "", into));
                    assertEquals(Reason.SNAPSHOT, refusal.reason());
                    assertTrue(
                            String.valueOf(refusal.getMessage())
                                    .contains("changed while it was read: the checksum of layer 1, parts ("),
                            refusal.getMessage());
                    assertEquals(0, first.length());
                    assertEquals(0, form.length());
                    assertEquals(0, form.rows().count());
                    assertEquals(9, pool.memory().free());
                }
                Files.write(file(), written);
                CacheSnapshot.restore(file(), "", new SequenceCache(List.of(first, form)));
                assertHoldsTheLastOf(caches.layer(1), form);
            }
        }
    }

    private void assertHoldsTheLastOf(KvCache whole, KvCache read) {
        float[] all = whole.rows().tensor(backend).toFloats();
        float[] held = read.rows().tensor(backend).toFloats();
        assertEquals(TOKENS, read.length());
        assertTrue(held.length > 0);
        assertArrayEquals(Arrays.copyOfRange(all, all.length - held.length, all.length), held);
    }

    /** Mapped, it would have been a fault of the machine's memory. */
    @Test
    void aFileThatIsCutShortMeanwhileIsRefused() throws IOException {
        try (SequenceCache caches = KvCacheConfig.of(TOKENS, 1, STORAGE).init();
                BlockPool pool =
                        BlockPoolConfig.of(9, 1, STORAGE).withBlockTokens(4).init()) {
            append(caches.layer(0));
            CacheSnapshot.write(file(), "", caches);
            byte[] written = Files.readAllBytes(file());
            for (KvCache form : forms(pool)) {
                for (int kept : new int[] {0, written.length - TOKENS * STORAGE.bytesPerRow(), written.length - 1}) {
                    Files.write(file(), written);
                    Runnable cut = changing(written, bytes -> Arrays.copyOf(bytes, kept));
                    var into = new SequenceCache(List.of(new InterruptedCache(form, cut)));
                    KvCacheException refusal =
                            assertThrows(KvCacheException.class, () -> CacheSnapshot.restore(file(), "", into));
                    assertEquals(Reason.SNAPSHOT, refusal.reason());
                    assertTrue(
                            String.valueOf(refusal.getMessage()).contains("was cut short while it was read"),
                            refusal.getMessage());
                    assertEquals(0, form.length());
                    assertEquals(9, pool.memory().free());
                }
            }
        }
    }

    /** What a plane has more of than is read at once comes back whole, in a ring its end. */
    @Test
    void rowsOfManyChunksComeBack() throws IOException {
        int tokens = 4000;
        RowStorage storage = RowStorage.float32(RowLayout.of("wide", 301));
        try (SequenceCache caches = KvCacheConfig.of(tokens, 1, storage).init();
                KvCache whole = new ContiguousKvCache(storage, tokens);
                KvCache ring = new SlidingKvCache(storage, new SlidingWindow(1500, 7), tokens)) {
            KvCache cache = caches.layer(0);
            cache.append(cache.end(), KvCacheProperties.rows(backend, storage.layout(), tokens, RandomStream.of(2)));
            CacheSnapshot.write(file(), "", caches);
            float[] all = cache.rows().tensor(backend).toFloats();
            for (boolean turns : new boolean[] {false, true}) {
                KvCache read = turns ? ring : whole;
                CacheSnapshot.restore(file(), "", new SequenceCache(List.of(read)));
                float[] held = read.rows().tensor(backend).toFloats();
                assertEquals(turns ? 1507 : tokens, read.rows().count());
                assertArrayEquals(Arrays.copyOfRange(all, all.length - held.length, all.length), held);
            }
        }
    }

    @Test
    void aDescriptionSaysWhatIsThere() throws IOException {
        RowStorage entries = RowStorage.bfloat16(RowLayout.of("entry", 5));
        try (SequenceCache caches = new SequenceCache(List.of(
                new CompressedKvCache(
                        new SlidingKvCache(STORAGE, new SlidingWindow(3, 1), 20), new ContiguousKvCache(entries, 9), 2),
                new ContiguousKvCache(entries, 20)))) {
            var parts = new ArrayList<>(KvCacheProperties.rows(backend, STORAGE.layout(), 7, RandomStream.of(1)));
            parts.addAll(KvCacheProperties.rows(backend, entries.layout(), 3, RandomStream.of(1)));
            caches.layer(0).append(caches.layer(0).end(), parts);
            caches.layer(1)
                    .append(
                            caches.layer(1).end(),
                            KvCacheProperties.rows(backend, entries.layout(), 7, RandomStream.of(1)));
            CacheSnapshot.write(file(), "model a, prompt 3", caches);
        }
        SnapshotDescription said = CacheSnapshot.describe(file());
        assertEquals("model a, prompt 3", said.label());
        assertEquals(2, said.version());
        assertEquals(Files.size(file()), said.bytes());
        assertEquals(List.of("[(key [64] + value [3]) / 2 (entry [5])]", "(entry [5])"), said.layers());
        assertEquals(3, said.caches().size());
        assertEquals(
                List.of(3, 0, 0),
                said.caches().stream().map(SnapshotDescription.Rows::oldest).toList());
        assertEquals(
                List.of(7, 3, 7),
                said.caches().stream().map(SnapshotDescription.Rows::length).toList());
        assertEquals(
                List.of(4L * 36, 4L * 12),
                said.caches().getFirst().planes().stream()
                        .map(SnapshotDescription.Plane::bytes)
                        .toList());
        assertEquals(
                "snapshot of version 2, 'model a, prompt 3', " + Files.size(file()) + " bytes\n"
                        + "  layer 0: [(key [64] + value [3]) / 2 (entry [5])]\n"
                        + "  layer 1: (entry [5])\n"
                        + "  cache 0: rows 3…7 of (key [64]) as 64 E2M1 by 32 with E8M0 BEHIND_ROWS, 0 bfloat16, 144 bytes"
                        + " and (value [3]) as float32, 48 bytes\n"
                        + "  cache 1: rows 0…3 of (entry [5]) as bfloat16, 30 bytes\n"
                        + "  cache 2: rows 0…7 of (entry [5]) as bfloat16, 70 bytes",
                said.toString());
    }

    /** The header is compared byte by byte; rows are not looked at, only whether they are all there. */
    @Test
    void aDescriptionReadsTheHeaderAlone() throws IOException {
        try (SequenceCache caches = KvCacheConfig.of(TOKENS, 1, STORAGE).init()) {
            append(caches.layer(0));
            CacheSnapshot.write(file(), "label", caches);
        }
        byte[] written = Files.readAllBytes(file());
        SnapshotDescription said = CacheSnapshot.describe(file());
        int header = written.length - TOKENS * STORAGE.bytesPerRow();
        for (int at = 0; at < written.length; at++) {
            byte[] damaged = written.clone();
            damaged[at] ^= 16;
            Files.write(file(), damaged);
            if (at < header) {
                assertDescribeRefused("");
            } else {
                assertEquals(said, CacheSnapshot.describe(file()));
            }
        }
        for (int kept : new int[] {0, 7, 19, 20, header - 1, header, written.length - 1}) {
            Files.write(file(), Arrays.copyOf(written, kept));
            assertDescribeRefused("is cut short");
        }
        Files.write(file(), Arrays.copyOf(written, written.length + 1));
        assertDescribeRefused("is longer than written");
        Files.delete(file());
        String message = String.valueOf(assertThrows(IOException.class, () -> CacheSnapshot.describe(file()))
                .getMessage());
        assertTrue(message.contains("no such file for the snapshot describe"), message);
    }

    private void assertDescribeRefused(String text) {
        KvCacheException refusal = assertThrows(KvCacheException.class, () -> CacheSnapshot.describe(file()));
        assertEquals(Reason.SNAPSHOT, refusal.reason());
        String message = String.valueOf(refusal.getMessage());
        assertTrue(message.startsWith("snapshot describe: " + file()), message);
        assertTrue(message.contains(text), message);
    }
}
