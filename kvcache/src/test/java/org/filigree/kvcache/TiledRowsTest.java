package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TiledRowsTest {
    private final Backend backend = TestBackends.get("scalar");

    @ParameterizedTest
    @CsvSource({"512, 64, 128, 656", "16, 4, 16, 28", "32, 8, 8, 64", "6, 0, 3, 14", "1, 1, 1, 7"})
    void fp8RowsOfAnyWidth(int coded, int rotary, int tile, int bytes) {
        TiledRows format = TiledRows.fp8(coded, rotary, tile);
        assertEquals(bytes, format.bytesPerRow());
        assertEquals(64L * bytes, format.pageBytes(64));
        assertEquals(coded + rotary, format.width());
        RandomStream random = RandomStream.of(coded);
        RowLayout layout = RowLayout.of("latent", coded);
        RowStorage storage = rotary == 0
                ? RowStorage.float32(layout).with(format, "latent")
                : RowStorage.float32(layout.with("rotary key", rotary)).with(format, "latent", "rotary key");
        try (KvCache cache = new ContiguousKvCache(storage, 5)) {
            List<Tensor> rows = KvCacheProperties.rows(backend, storage.layout(), 5, random);
            cache.append(cache.end(), rows);
            for (int part = 0; part < rows.size(); part++) {
                float[] written = rows.get(part).toFloats();
                float[] read = cache.view(storage.layout().parts().get(part).name(), backend)
                        .toFloats();
                int width = storage.layout().parts().get(part).width();
                for (int i = 0; i < written.length; i++) {
                    assertEquals(
                            written[i],
                            read[i],
                            part == 0 ? codeError(written, i, width, tile) : 0x1p-8 * Math.abs(written[i]));
                }
            }
        }
    }

    /** Half a unit of E4M3 (three bits behind the point, least 2⁻⁹) times the scale, at most 2 · amax / 448, then of bfloat16. */
    private static double codeError(float[] written, int i, int width, int tile) {
        int from = i / width * width + i % width / tile * tile;
        double amax = 1e-4;
        for (int j = from; j < from + tile; j++) {
            amax = Math.max(amax, Math.abs(written[j]));
        }
        double code = Math.max(0x1p-4 * Math.abs(written[i]), 0x1p-10 * 2 * amax / 448);
        return code + 0x1p-8 * (Math.abs(written[i]) + code);
    }

    @Test
    void releasedRowsAreOneOfThem() {
        assertEquals(TiledRows.V32_FP8_SPARSE, TiledRows.fp8(512, 64, 128));
    }

    @Test
    void widthsThatDoNotFitAreNamed() {
        String message = Thrown.message(IllegalArgumentException.class, () -> TiledRows.fp8(20, 4, 16));
        assertTrue(message.contains("coded (20) must be a multiple of tile (16)"), message);
        RowStorage storage = RowStorage.float32(RowLayout.of("latent", 16).with("rotary key", 4));
        message = Thrown.message(
                IllegalArgumentException.class, () -> storage.with(TiledRows.V32_FP8_SPARSE, "latent", "rotary key"));
        assertTrue(message.contains("are 20 wide") && message.contains("TiledRows.fp8("), message);
    }

    /**
     * What rounding does to a choice of the 256 best of 4096 random keys of 128 numbers, by their products with a random query. The
     * README says what comes out.
     */
    @Test
    void fp8ScorerKeysChangeSomeChoices() {
        int width = 128;
        int keys = 4096;
        int chosen = 256;
        RandomStream random = RandomStream.of(11);
        RowLayout layout = RowLayout.of("scorer key", width);
        int same = 0;
        int queries = 8;
        try (KvCache exact = new ContiguousKvCache(layout, keys);
                KvCache rounded = new ContiguousKvCache(
                        RowStorage.float32(layout).with(TiledRows.fp8IndexKeys(width), "scorer key"), keys)) {
            float[] values = new float[keys * width];
            random.fillGaussian(values);
            Tensor rows = backend.tensors().floats(Shape.of(keys, width), values);
            exact.append(exact.end(), List.of(rows));
            rounded.append(rounded.end(), List.of(rows));
            for (int i = 0; i < queries; i++) {
                float[] query = new float[width];
                random.fork("query " + i).fillGaussian(query);
                Set<Integer> both = best(exact, query, chosen);
                both.retainAll(best(rounded, query, chosen));
                same += both.size();
            }
        }
        double overlap = (double) same / (queries * chosen);
        assertTrue(overlap > 0.97 && overlap < 0.99, () -> "the README says otherwise: " + overlap);
    }

    private Set<Integer> best(KvCache cache, float[] query, int chosen) {
        float[] keys = cache.view("scorer key", backend).toFloats();
        double[] scores = new double[keys.length / query.length];
        for (int i = 0; i < keys.length; i++) {
            scores[i / query.length] += (double) keys[i] * query[i % query.length];
        }
        return new HashSet<>(Arrays.asList(IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(row -> -scores[row]))
                .limit(chosen)
                .toArray(Integer[]::new)));
    }
}
