package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;

/** What comes back is what was written, in any form that can hold it; anything else is refused whole. */
class CacheSnapshotProperties {
    private static final int CAPACITY = 80;
    private static Path folder = Path.of("");

    private final Backend backend = TestBackends.get("scalar");

    @BeforeContainer
    static void makeFolder() throws IOException {
        folder = Files.createTempDirectory("snapshots");
    }

    @AfterContainer
    static void removeFolder() throws IOException {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    private static Path file() {
        return folder.resolve("cache.kv");
    }

    /** Forms that hold all rows, and one of different pages. */
    private static List<Supplier<KvCache>> wholeForms(RowStorage storage, BlockPool pool) {
        return List.of(
                () -> new ContiguousKvCache(storage, CAPACITY),
                () -> new SlidingKvCache(storage, new SlidingWindow(CAPACITY, 3), CAPACITY + 9),
                () -> pool.sequence(CAPACITY).layer(0));
    }

    private void append(KvCache cache, int rows, RandomStream random) {
        cache.append(cache.end(), KvCacheProperties.rows(backend, cache.layout(), rows, random));
    }

    private void assertSame(KvCache expected, KvCache actual) {
        assertEquals(expected.length(), actual.length());
        KvCacheProperties.assertSameRows(backend, expected.rows(), actual.rows());
    }

    @Property(tries = 40)
    void anyFormComesBackAsAnyOther(
            @ForAll(supplier = RowFormats.Storages.class) RowStorage storage,
            @ForAll @IntRange(max = CAPACITY) int rows,
            @ForAll @IntRange(max = 2) int from,
            @ForAll @IntRange(max = 2) int to,
            @ForAll @IntRange(min = 1, max = 9) int blockTokens,
            @ForAll long seed)
            throws IOException {
        RandomStream random = RandomStream.of(seed);
        try (BlockPool pool = new BlockPoolConfig(2 * CAPACITY, blockTokens, List.of(storage)).init();
                KvCache written = wholeForms(storage, pool).get(from).get();
                KvCache read = wholeForms(storage, pool).get(to).get()) {
            append(written, rows, random);
            CacheSnapshot.write(file(), "model", new SequenceCache(List.of(written)));
            CacheSnapshot.restore(file(), "model", new SequenceCache(List.of(read)));
            assertSame(written, read);
            int more = Math.min(5, CAPACITY - rows);
            List<Tensor> next = KvCacheProperties.rows(backend, storage.layout(), more, random);
            written.append(written.end(), next);
            read.append(read.end(), next);
            read.truncate(rows / 2 + more);
            written.truncate(rows / 2 + more);
            assertSame(written, read);
        }
    }

    @Property(tries = 40)
    void ringsAndCompressedCachesComeBack(
            @ForAll(supplier = RowFormats.Storages.class) RowStorage storage,
            @ForAll @IntRange(max = CAPACITY) int rows,
            @ForAll @IntRange(min = 1, max = 4) int ratio,
            @ForAll @IntRange(max = 3) int slack,
            @ForAll long seed)
            throws IOException {
        RandomStream random = RandomStream.of(seed);
        RowStorage entries = RowStorage.bfloat16(RowLayout.of("entry", 3));
        try (SequenceCache written = compressed(storage, entries, ratio, slack + 2);
                SequenceCache read = compressed(storage, entries, ratio, slack)) {
            var parts = new ArrayList<>(KvCacheProperties.rows(backend, storage.layout(), rows, random));
            parts.addAll(KvCacheProperties.rows(backend, entries.layout(), rows / ratio, random));
            written.layer(0).append(written.layer(0).end(), parts);
            CacheSnapshot.write(file(), "", written);
            CacheSnapshot.restore(file(), "", read);
            assertEquals(rows, read.length());
            KvCacheProperties.assertSameRows(
                    backend, written.layer(0).rows("entry"), read.layer(0).rows("entry"));
            String part = storage.layout().parts().getFirst().name();
            CacheRows all = written.layer(0).rows(part);
            CacheRows last = read.layer(0).rows(part);
            assertEquals(Math.max(0, rows - ratio - 2 - slack), last.firstToken());
            float[] expected = all.tensor(backend).toFloats();
            int skipped = (last.firstToken() - all.firstToken()) * all.width();
            assertArrayEquals(
                    Arrays.copyOfRange(expected, skipped, expected.length),
                    last.tensor(backend).toFloats());
        }
    }

    private static SequenceCache compressed(RowStorage tokens, RowStorage entries, int ratio, int slack) {
        return new SequenceCache(List.of(new CompressedKvCache(
                new SlidingKvCache(tokens, new SlidingWindow(ratio + 2, slack), CAPACITY),
                new ContiguousKvCache(entries, CAPACITY),
                ratio)));
    }

    /** Every change of a byte, every length but the right one: refused, and the caches stay empty. */
    @Property(tries = 60)
    void aDamagedFileIsRefusedWhole(@ForAll long seed, @ForAll @IntRange(max = 3) int kind) throws IOException {
        RandomStream random = RandomStream.of(seed);
        RowStorage storage = RowStorage.float32(RowLayout.of("latent", 16).with("rotary", 2))
                .with(
                        new TiledRows(
                                16,
                                2,
                                16,
                                TiledRows.Code.E4M3,
                                TiledRows.Scale.E8M0,
                                TiledRows.Placement.BEHIND_ROWS,
                                8,
                                TiledRows.ScaleRule.MODEL),
                        "latent",
                        "rotary");
        try (SequenceCache written = KvCacheConfig.of(9, 2, storage).init();
                SequenceCache read = KvCacheConfig.of(9, 2, storage).init()) {
            append(written.layer(0), 7, random);
            append(written.layer(1), 7, random);
            CacheSnapshot.write(file(), "model", written);
            byte[] good = Files.readAllBytes(file());
            int at = (int) Math.floorMod(seed, (long) good.length);
            byte[] bad = switch (kind) {
                case 0 -> Arrays.copyOf(good, at);
                case 1 -> {
                    byte[] flipped = good.clone();
                    flipped[at] ^= (byte) (1 << Math.floorMod(seed >> 8, 8));
                    yield flipped;
                }
                case 2 -> Arrays.copyOf(good, good.length + 1 + at);
                default -> {
                    byte[] swapped = good.clone();
                    int other = (at + good.length / 2) % good.length;
                    swapped[at] = good[other];
                    swapped[other] = good[at];
                    yield swapped;
                }
            };
            Files.write(file(), bad);
            if (Arrays.equals(good, bad)) {
                CacheSnapshot.restore(file(), "model", read);
                return;
            }
            KvCacheException refusal =
                    assertThrows(KvCacheException.class, () -> CacheSnapshot.restore(file(), "model", read));
            assertEquals(Reason.SNAPSHOT, refusal.reason());
            for (int layer = 0; layer < 2; layer++) {
                assertEquals(0, read.layer(layer).length());
                assertEquals(0, read.layer(layer).rows().count());
            }
            Files.write(file(), good);
            CacheSnapshot.restore(file(), "model", read);
            assertSame(written.layer(1), read.layer(1));
        }
    }
}
