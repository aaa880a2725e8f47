package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same bytes are stored however a sequence is divided into calls: rows that threads share, that lie across blocks and around the end of a
 * ring, in every format and in every form of cache.
 */
class AppendedTogetherTest {
    /** Enough for the threads of one call, each of which takes 2¹⁷ numbers. */
    private static final int TOKENS = 191;

    private static final int ENTRIES = TOKENS / 3;

    /** Every format in a plane of its own; one has a tile that lies in two parts. */
    private static RowStorage storage() {
        var planes = new ArrayList<RowStorage.Plane>();
        var formats = new ArrayList<RowFormat>(RowFormats.RELEASED);
        formats.add(new Float32Rows(5));
        formats.add(new BFloat16Rows(7));
        for (RowFormat format : formats) {
            String name = "plane " + planes.size();
            int cut = format instanceof TiledRows tiled && tiled.rotary() == 0 ? tiled.tile() / 2 : 1;
            planes.add(new RowStorage.Plane(
                    format.width() < 8
                            ? List.of(new RowLayout.Part(name, format.width()))
                            : List.of(
                                    new RowLayout.Part(name, cut),
                                    new RowLayout.Part(name + " rest", format.width() - cut)),
                    format));
        }
        planes.add(new RowStorage.Plane(
                List.of(new RowLayout.Part("latent", 512), new RowLayout.Part("rotary", 64)),
                TiledRows.V32_FP8_SPARSE));
        return new RowStorage(planes);
    }

    private static KvCache cache(String form, BlockPool pool) {
        return switch (form) {
            case "contiguous" -> new ContiguousKvCache(storage(), TOKENS);
            case "sliding" -> new SlidingKvCache(storage(), new SlidingWindow(90, 7), TOKENS);
            case "paged" -> pool.sequence(TOKENS).layer(0);
            case "compressed" ->
                new CompressedKvCache(
                        new SlidingKvCache(RowStorage.float32(RowLayout.of("key", 3)), new SlidingWindow(5, 0), TOKENS),
                        new ContiguousKvCache(storage(), ENTRIES),
                        3);
            default -> throw new IllegalArgumentException(form);
        };
    }

    private static void append(KvCache cache, List<Tensor> rows, int from, int to) {
        var parts = new ArrayList<Tensor>();
        for (Tensor part : rows) {
            boolean ofTokens = !(cache instanceof CompressedKvCache) || parts.isEmpty();
            parts.add(Slice.slice(part, 0, ofTokens ? from : from / 3, ofTokens ? to : to / 3));
        }
        cache.append(cache.end(), parts);
    }

    /** The bytes of each plane, row by row, data and scales. */
    private static List<byte[]> stored(KvCache cache) {
        CacheRows rows = cache instanceof CompressedKvCache
                ? cache.rows(storage().layout().parts().stream()
                        .map(RowLayout.Part::name)
                        .toArray(String[]::new))
                : cache.rows();
        var bytes = new ArrayList<byte[]>();
        for (StoredRows plane : rows.stored()) {
            for (int row = 0; row < plane.count(); row++) {
                RowFormat format = plane.format();
                bytes.add(plane.memory()
                        .asSlice(plane.offset(row), format.rowBytes())
                        .toArray(ValueLayout.JAVA_BYTE));
                if (format.scaleBytes() > 0) {
                    bytes.add(plane.memory()
                            .asSlice(plane.scaleOffset(row), format.scaleBytes())
                            .toArray(ValueLayout.JAVA_BYTE));
                }
            }
        }
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(strings = {"contiguous", "sliding", "paged", "compressed"})
    void bytesDoNotDependOnTheDivision(String form) {
        try (Backend vector = Backends.open("vector");
                BlockPool pool =
                        BlockPoolConfig.of(60, 1, storage()).withBlockTokens(16).init();
                KvCache together = cache(form, pool);
                KvCache single = cache(form, pool);
                KvCache pieces = cache(form, pool)) {
            List<Tensor> rows =
                    new ArrayList<>(KvCacheProperties.rows(vector, together.layout(), TOKENS, RandomStream.of(19)));
            append(together, rows, 0, TOKENS);
            for (int t = 0; t < TOKENS; t++) {
                append(single, rows, t, t + 1);
            }
            int done = 0;
            for (int piece : new int[] {5, 11, 0, 17, 64, 1, TOKENS - 98}) {
                append(pieces, rows, done, done + piece);
                done += piece;
            }
            assertEquals(TOKENS, done);
            List<byte[]> expected = stored(single);
            for (KvCache other : List.of(together, pieces)) {
                List<byte[]> actual = stored(other);
                assertEquals(expected.size(), actual.size());
                for (int i = 0; i < actual.size(); i++) {
                    assertArrayEquals(expected.get(i), actual.get(i), "run " + i);
                }
            }
        }
    }
}
