package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.kvcache.KvCacheException.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What is no snapshot, or of other caches, or of caches out of step, is refused by name and with numbers, and nothing changes. */
class CacheSnapshotRefusalTest {
    private static final RowLayout LAYOUT = RowLayout.of("key", 4);
    private static final RowStorage STORAGE = RowStorage.float32(LAYOUT);
    private static final RowStorage ENTRIES = RowStorage.float32(RowLayout.of("entry", 3));

    private final Backend backend = TestBackends.get("scalar");
    private final RandomStream random = RandomStream.of(3);

    @TempDir
    private Path folder = Path.of("");

    private Path file() {
        return folder.resolve("cache.kv");
    }

    private void append(KvCache cache, int rows) {
        cache.append(cache.end(), KvCacheProperties.rows(backend, cache.layout(), rows, random));
    }

    private static void assertRefused(Reason reason, Executable call, String... texts) {
        KvCacheException refusal = assertThrows(KvCacheException.class, call);
        assertEquals(reason, refusal.reason(), refusal.getMessage());
        String message = String.valueOf(refusal.getMessage());
        for (String text : texts) {
            assertTrue(message.contains(text), () -> "'" + message + "' does not say '" + text + "'");
        }
    }

    private void assertRestoreRefused(Reason reason, SequenceCache into, String... texts) {
        assertRefused(reason, () -> CacheSnapshot.restore(file(), "", into), texts);
        assertRefused(reason, () -> CacheSnapshot.restore(file(), "", into), "snapshot restore: " + file());
    }

    /** Neither the file nor a half of it. */
    private void assertNothingWritten() throws IOException {
        try (var files = Files.list(folder)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @Test
    void whatDoesNotFitIsNamed() throws IOException {
        try (SequenceCache written = KvCacheConfig.of(9, 2, STORAGE).init();
                SequenceCache other = KvCacheConfig.of(9, 1, STORAGE).init();
                SequenceCache renamed =
                        KvCacheConfig.of(9, 2, RowLayout.of("value", 4)).init();
                SequenceCache rounded =
                        KvCacheConfig.of(9, 2, RowStorage.bfloat16(LAYOUT)).init();
                SequenceCache small = KvCacheConfig.of(4, 2, STORAGE).init();
                SequenceCache full = KvCacheConfig.of(9, 2, STORAGE).init();
                SequenceCache naive = new SequenceCache(List.of(NaiveKvCache.of(STORAGE, 9)));
                SequenceCache sliding = new SequenceCache(
                        List.of(new SlidingKvCache(STORAGE, new SlidingWindow(2, 0), 9), full.layer(0)));
                BlockPool pool =
                        BlockPoolConfig.of(1, 2, STORAGE).withBlockTokens(4).init()) {
            append(written.layer(0), 6);
            append(written.layer(1), 6);
            CacheSnapshot.write(file(), "model a", written);
            assertRefused(
                    Reason.SNAPSHOT,
                    () -> CacheSnapshot.restore(file(), "model b", small),
                    "was written for 'model a', not for 'model b'");
            CacheSnapshot.write(file(), "", written);
            assertRestoreRefused(Reason.SNAPSHOT, other, "holds 2 layers but the sequence has 1;");
            assertRestoreRefused(Reason.SNAPSHOT, renamed, "holds in layer 0 (key [4]) but the caches are (value [4])");
            assertRestoreRefused(
                    Reason.SNAPSHOT, rounded, "(key [4]) as float32] but layer 0 stores [(key [4]) as bfloat16]");
            assertRestoreRefused(Reason.EXHAUSTED, small, "layer 0 cannot take it: 6 rows exceed its capacity of 4");
            append(full.layer(1), 1);
            assertRestoreRefused(Reason.LENGTH, full, "layer 1 holds 1 tokens; restore into an empty one");
            assertRestoreRefused(Reason.LAYOUT, naive, "layer 0 is", "no cache of this library");
            assertPoolTooSmall(pool);
            append(full.layer(0), 6);
            append(sliding.layer(0), 6);
            CacheSnapshot.write(file(), "", sliding);
            full.layer(0).truncate(0);
            full.layer(1).truncate(0);
            assertRestoreRefused(Reason.LENGTH, full, "those before token 4 are not there");
        }
    }

    private void assertPoolTooSmall(BlockPool pool) {
        SequenceCache paged = pool.sequence(9).caches();
        assertRefused(Reason.EXHAUSTED, () -> CacheSnapshot.restore(file(), "", paged), "2 more blocks");
        assertEquals(1, pool.memory().free());
    }

    @Test
    void layersOfDifferentLengthAreNotWritten() throws IOException {
        try (SequenceCache caches = KvCacheConfig.of(9, 3, STORAGE).init()) {
            append(caches.layer(0), 6);
            append(caches.layer(1), 6);
            assertRefused(
                    Reason.LENGTH,
                    () -> CacheSnapshot.write(file(), "", caches),
                    "snapshot write: " + file(),
                    "layer 0 holds 6 tokens but layer 2 holds 0",
                    "truncate(length())");
            assertNothingWritten();
            append(caches.layer(2), 5);
            caches.truncate(caches.length());
            CacheSnapshot.write(file(), "", caches);
            byte[] before = Files.readAllBytes(file());
            append(caches.layer(1), 1);
            assertRefused(
                    Reason.LENGTH,
                    () -> CacheSnapshot.write(file(), "", caches),
                    "layer 0 holds 5 tokens but layer 1 holds 6");
            assertArrayEquals(before, Files.readAllBytes(file()));
        }
    }

    @Test
    void entriesOutOfStepAreNotWritten() throws IOException {
        KvCache tokens = new ContiguousKvCache(STORAGE, 9);
        KvCache entries = new ContiguousKvCache(ENTRIES, 9);
        try (SequenceCache caches = new SequenceCache(List.of(new CompressedKvCache(tokens, entries, 2)))) {
            append(tokens, 5);
            append(entries, 2);
            CacheSnapshot.write(file(), "", caches);
            Files.delete(file());
            append(tokens, 1);
            assertRefused(
                    Reason.LENGTH,
                    () -> CacheSnapshot.write(file(), "", caches),
                    "layer 0 holds 6 tokens, which are 3 complete runs of 2, but 2 entries");
            assertNothingWritten();
        }
    }

    /** Headers with the right checksums, such as a writer that did not compare would have left. */
    private void craft(SequenceCache like, SnapshotHeader.Cache... caches) throws IOException {
        long planeBytes = 0;
        for (SnapshotHeader.Cache cache : caches) {
            for (SnapshotHeader.Plane plane : cache.planes()) {
                planeBytes += plane.bytes();
            }
        }
        ByteBuffer header = new SnapshotHeader("", SnapshotCaches.shapes(like), List.of(caches)).bytes();
        byte[] bytes = new byte[header.remaining() + Math.clamp(planeBytes, 0, 1000)];
        header.get(bytes, 0, header.remaining());
        Files.write(file(), bytes);
    }

    private static SnapshotHeader.Cache saved(RowStorage storage, int oldest, int length, long bytes) {
        return new SnapshotHeader.Cache(
                oldest,
                length,
                List.of(new SnapshotHeader.Plane(
                        SnapshotHeader.description(storage.planes().getFirst()), bytes, 0)));
    }

    private static SnapshotHeader.Cache saved(RowStorage storage, int length) {
        return saved(storage, 0, length, (long) length * storage.bytesPerRow());
    }

    @Test
    void filesOutOfStepAreRefused() throws IOException {
        try (SequenceCache two = KvCacheConfig.of(9, 2, STORAGE).init();
                SequenceCache compressed = new SequenceCache(List.of(new CompressedKvCache(
                        new ContiguousKvCache(STORAGE, 9), new ContiguousKvCache(ENTRIES, 9), 2)))) {
            craft(two, saved(STORAGE, 6), saved(STORAGE, 5));
            assertRestoreRefused(Reason.SNAPSHOT, two, "out of step: layer 0 holds 6 tokens but layer 1 holds 5");
            for (int entries : new int[] {0, 2, 4}) {
                craft(compressed, saved(STORAGE, 6), saved(ENTRIES, entries));
                assertRestoreRefused(
                        Reason.SNAPSHOT,
                        compressed,
                        "out of step: layer 0 holds 6 tokens, which are 3 complete runs of 2, but " + entries
                                + " entries");
            }
            assertEquals(0, two.layer(0).length());
            assertEquals(0, compressed.length());
        }
    }

    @Test
    void filesThatContradictThemselvesAreRefused() throws IOException {
        try (SequenceCache two = KvCacheConfig.of(9, 2, STORAGE).init()) {
            craft(two, saved(STORAGE, 6));
            assertRestoreRefused(Reason.SNAPSHOT, two, "contradicts itself: 1 caches of rows");
            craft(two, saved(STORAGE, 0, 6, 80), saved(STORAGE, 6));
            assertRestoreRefused(Reason.SNAPSHOT, two, "layer 0 6 rows of 16 bytes are not 80 bytes");
            craft(two, saved(STORAGE, 6), saved(STORAGE, -1, 6, 7 * 16));
            assertRestoreRefused(Reason.SNAPSHOT, two, "contradicts itself");
            craft(two, saved(STORAGE, 6), saved(STORAGE, 7, 6, -16));
            assertRestoreRefused(Reason.SNAPSHOT, two, "contradicts itself");
            craft(two, saved(STORAGE, 0, 6, Long.MAX_VALUE), saved(STORAGE, 0, 6, Long.MAX_VALUE));
            assertRestoreRefused(Reason.SNAPSHOT, two, "overflow");
        }
    }

    /** Without one lock over both parts, the other thread's token would be in one of them. */
    @Test
    void tokensAndEntriesAreOfOneMoment() throws Exception {
        var other = new Thread[1];
        KvCache tokens = new ContiguousKvCache(STORAGE, 9);
        var joined = new CompressedKvCache[1];
        var entries = new InterruptedCache(new ContiguousKvCache(ENTRIES, 9), () -> {
            other[0] = Thread.ofPlatform().start(() -> {
                var parts = KvCacheProperties.rows(backend, joined[0].layout(), 2, random);
                joined[0].append(
                        joined[0].end(),
                        List.of(
                                parts.getFirst(),
                                KvCacheProperties.rows(backend, ENTRIES.layout(), 1, random)
                                        .getFirst()));
            });
            try {
                // Long enough for the append, were it let in.
                other[0].join(200);
            } catch (InterruptedException stopped) {
                throw new AssertionError(stopped);
            }
        });
        joined[0] = new CompressedKvCache(tokens, entries, 2);
        try (SequenceCache caches = new SequenceCache(List.of(joined[0]));
                SequenceCache read = new SequenceCache(List.of(new CompressedKvCache(
                        new ContiguousKvCache(STORAGE, 9), new ContiguousKvCache(ENTRIES, 9), 2)))) {
            CacheSnapshot.write(file(), "", caches);
            other[0].join();
            assertEquals(2, caches.length());
            CacheSnapshot.restore(file(), "", read);
            assertEquals(0, read.length());
        }
    }

    @Test
    void aCacheClosedWhileItIsWrittenIsNamedStale() throws IOException {
        ContiguousKvCache first = new ContiguousKvCache(STORAGE, 9);
        ContiguousKvCache second = new ContiguousKvCache(STORAGE, 9);
        try (SequenceCache caches = new SequenceCache(List.of(first, new InterruptedCache(second, first::close)))) {
            append(first, 6);
            append(second, 6);
            assertRefused(
                    Reason.STALE,
                    () -> CacheSnapshot.write(file(), "", caches),
                    "the 6 rows of layer 0, parts (key [4])");
            assertNothingWritten();
        }
    }

    /** All views show the moment at which the last was made, or the file is not written. */
    @Test
    void tokensReplacedBetweenTwoLooksAreRefused() throws IOException {
        for (KvCache first :
                List.of(new ContiguousKvCache(STORAGE, 9), new SlidingKvCache(STORAGE, new SlidingWindow(3, 1), 9))) {
            ContiguousKvCache second = new ContiguousKvCache(STORAGE, 9);
            Runnable meanwhile = () -> {
                first.truncate(5);
                append(first, 1);
            };
            try (SequenceCache caches = new SequenceCache(List.of(first, new InterruptedCache(second, meanwhile)))) {
                append(first, 6);
                append(second, 6);
                assertRefused(
                        Reason.STALE, () -> CacheSnapshot.write(file(), "", caches), "of layer 0", "takes tokens back");
                assertNothingWritten();
            }
        }
    }

    @Test
    void aRingThatTurnsMeanwhileIsRefused() throws IOException {
        SlidingKvCache first = new SlidingKvCache(STORAGE, new SlidingWindow(3, 1), 9);
        ContiguousKvCache second = new ContiguousKvCache(STORAGE, 9);
        try (SequenceCache caches =
                new SequenceCache(List.of(first, new InterruptedCache(second, () -> append(first, 1))))) {
            append(first, 6);
            append(second, 6);
            assertRefused(
                    Reason.STALE,
                    () -> CacheSnapshot.write(file(), "", caches),
                    "the 4 rows of layer 0",
                    "appends to a sliding one");
            assertNothingWritten();
        }
    }

    /** What is appended meanwhile is not in the file, and harms nothing. */
    @Test
    void appendsMeanwhileDoNotShow() throws IOException {
        ContiguousKvCache first = new ContiguousKvCache(STORAGE, 9);
        ContiguousKvCache second = new ContiguousKvCache(STORAGE, 9);
        try (SequenceCache caches =
                        new SequenceCache(List.of(first, new InterruptedCache(second, () -> append(first, 1))));
                SequenceCache read = KvCacheConfig.of(9, 2, STORAGE).init()) {
            append(first, 6);
            append(second, 6);
            float[] before = first.view("key", backend).toFloats();
            CacheSnapshot.write(file(), "", caches);
            assertEquals(7, first.length());
            CacheSnapshot.restore(file(), "", read);
            assertEquals(6, read.layer(0).length());
            assertArrayEquals(before, read.layer(0).view("key", backend).toFloats());
        }
    }

    @Test
    void aCacheClosedWhileOthersComeBackHidesNoFailure() throws IOException {
        IllegalStateException failure = new IllegalStateException("the third fails");
        ContiguousKvCache first = new ContiguousKvCache(STORAGE, 9);
        ContiguousKvCache second = new ContiguousKvCache(STORAGE, 9);
        InterruptedCache third = new InterruptedCache(new ContiguousKvCache(STORAGE, 9), () -> {
            first.close();
            throw failure;
        });
        try (SequenceCache written = KvCacheConfig.of(9, 3, STORAGE).init();
                SequenceCache read = new SequenceCache(List.of(first, second, third))) {
            for (int layer = 0; layer < 3; layer++) {
                append(written.layer(layer), 6);
            }
            CacheSnapshot.write(file(), "", written);
            RuntimeException thrown =
                    assertThrows(RuntimeException.class, () -> CacheSnapshot.restore(file(), "", read));
            assertEquals(failure, thrown);
            assertEquals(0, second.length());
            assertEquals(0, third.length());
        }
    }

    @Test
    void rowsThatSomebodyAppendedMeanwhileAreNotLost() throws IOException {
        ContiguousKvCache second = new ContiguousKvCache(STORAGE, 9);
        try (SequenceCache written = KvCacheConfig.of(9, 2, STORAGE).init();
                SequenceCache read = new SequenceCache(List.of(
                        new ContiguousKvCache(STORAGE, 9), new InterruptedCache(second, () -> append(second, 2))))) {
            append(written.layer(0), 6);
            append(written.layer(1), 6);
            CacheSnapshot.write(file(), "", written);
            assertRefused(
                    Reason.LENGTH, () -> CacheSnapshot.restore(file(), "", read), "holds 2 rows", "appended meanwhile");
            assertEquals(0, read.layer(0).length());
            assertEquals(2, second.length());
        }
    }

    @Test
    void damageNamesLayerAndParts() throws IOException {
        RowStorage storage = RowStorage.float32(
                        RowLayout.of("latent", 16).with("rotary key", 2).with("scorer key", 8))
                .with(TiledRows.fp8(16, 2, 16), "latent", "rotary key");
        try (SequenceCache written = KvCacheConfig.of(9, 2, storage).init();
                SequenceCache read = KvCacheConfig.of(9, 2, storage).init()) {
            append(written.layer(0), 7);
            append(written.layer(1), 7);
            CacheSnapshot.write(file(), "", written);
            byte[] good = Files.readAllBytes(file());
            int latents = 7 * 24;
            int scorers = 7 * 32;
            int[] behind = {scorers + latents + scorers, latents + scorers, scorers, 0};
            for (int plane = 0; plane < behind.length; plane++) {
                byte[] bad = good.clone();
                bad[good.length - 1 - behind[plane]] ^= 1;
                Files.write(file(), bad);
                assertRestoreRefused(
                        Reason.SNAPSHOT,
                        read,
                        "is damaged: the checksum of layer " + plane / 2,
                        plane % 2 == 0 ? "parts (latent [16] + rotary key [2])" : "parts (scorer key [8])",
                        "take another copy of the file");
                assertEquals(0, read.length());
            }
            byte[] bad = good.clone();
            bad[25] ^= 1;
            Files.write(file(), bad);
            assertRestoreRefused(Reason.SNAPSHOT, read, "is damaged: the checksum of its header is");
        }
    }

    @Test
    void lengthsAndVersionsOfTheFileAreNamed() throws IOException {
        try (SequenceCache written = KvCacheConfig.of(9, 1, STORAGE).init();
                SequenceCache read = KvCacheConfig.of(9, 1, STORAGE).init()) {
            append(written.layer(0), 7);
            CacheSnapshot.write(file(), "", written);
            byte[] good = Files.readAllBytes(file());
            int header = good.length - 7 * 16;
            for (int length = 0; length < good.length; length++) {
                Files.write(file(), Arrays.copyOf(good, length));
                assertRestoreRefused(
                        Reason.SNAPSHOT,
                        read,
                        length < header
                                ? "is cut short in its header"
                                : "is cut short: it has " + length + " bytes but",
                        length < 20 ? "begins with 20" : String.valueOf(length < header ? header : good.length));
            }
            Files.write(file(), Arrays.copyOf(good, good.length + 3));
            assertRestoreRefused(
                    Reason.SNAPSHOT,
                    read,
                    "is longer than written: it has " + (good.length + 3) + " bytes but " + good.length);
            for (int version : new int[] {1, 3}) {
                byte[] other = good.clone();
                ByteBuffer.wrap(other).order(ByteOrder.LITTLE_ENDIAN).putInt(8, version);
                Files.write(file(), other);
                assertRestoreRefused(
                        Reason.SNAPSHOT,
                        read,
                        "is of version " + version + " but this library reads version 2; "
                                + (version == 3 ? "read it with a later library" : "compute the rows again"));
            }
            Files.writeString(file(), "FILIGREE is not what it begins with");
            assertRestoreRefused(Reason.SNAPSHOT, read, "does not begin with FILIGKVC");
            assertEquals(0, read.length());
        }
    }

    @Test
    void placesThatAreNotThereAreNamed() throws IOException {
        try (SequenceCache caches = KvCacheConfig.of(9, 1, STORAGE).init()) {
            Path missing = folder.resolve("no such folder").resolve("cache.kv");
            String message = Thrown.message(NoSuchFileException.class, () -> CacheSnapshot.write(missing, "", caches));
            assertTrue(message.contains(missing.toString()) && message.contains("create it first"), message);
            message = Thrown.message(NoSuchFileException.class, () -> CacheSnapshot.restore(missing, "", caches));
            assertTrue(message.contains(missing.toString()) && message.contains("no such file"), message);
            message = Thrown.message(FileSystemException.class, () -> CacheSnapshot.write(folder, "", caches));
            assertTrue(message.contains(folder + ": this is a folder"), message);
            message = Thrown.message(FileSystemException.class, () -> CacheSnapshot.restore(folder, "", caches));
            assertTrue(message.contains(folder + ": this is a folder"), message);
            message = Thrown.message(
                    IllegalArgumentException.class, () -> CacheSnapshot.write(file(), "x".repeat(40_000), caches));
            assertTrue(message.contains("the label has 40000 bytes but may have 32767"), message);
            assertNothingWritten();
        }
    }

    @Test
    void closedCachesAreNamed() throws IOException {
        SequenceCache closed = KvCacheConfig.of(9, 2, STORAGE).init();
        try (SequenceCache open = KvCacheConfig.of(9, 2, STORAGE).init()) {
            closed.layer(1).close();
            assertRefused(
                    Reason.CLOSED,
                    () -> CacheSnapshot.write(file(), "", closed),
                    "snapshot write: " + file() + ": layer 1 is closed");
            assertNothingWritten();
            CacheSnapshot.write(file(), "", open);
            assertRestoreRefused(Reason.CLOSED, closed, "layer 1 is closed");
            assertEquals(0, closed.layer(0).length());
        } finally {
            closed.close();
        }
    }
}
