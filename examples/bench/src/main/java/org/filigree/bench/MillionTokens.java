package org.filigree.bench;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.filigree.attention.CachedAttention;
import org.filigree.attention.CachedAttentionInput;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheMemory;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.TiledRows;

/**
 * A million tokens of one layer in MODEL1_FP8Sparse: what they take beside the layout's own bytes, and a step of sparse attention over
 * them, which attends to other keys every time. Meant for a heap of 2 GiB. Arguments: tokens, a multiple of
 * 4096, and steps.
 */
final class MillionTokens {
    private static final int TOKENS = 1 << 20;
    private static final int CHUNK = 4096;
    private static final int HEADS = 16;
    private static final int CHOSEN = 2048;
    private static final int STEPS = 500;
    private static final TiledRows FORMAT = TiledRows.MODEL1_FP8_SPARSE;
    private static final double SCALE = 1 / Math.sqrt(FORMAT.width());

    /** Of a number in E4M3 that is no subnormal, rounded to bfloat16 after its scale. */
    private static final double ROUNDING = 0x1p-4 + 0x1p-8;

    private MillionTokens() {}

    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        int tokens = arguments.length == 2 ? Integer.parseInt(arguments[0]) : 0;
        int steps = arguments.length == 2 ? Integer.parseInt(arguments[1]) : 0;
        if (tokens <= 0 || tokens % CHUNK != 0 || steps <= 0) {
            out.println("arguments: tokens, a multiple of %d, and steps; %d %d for the whole measurement"
                    .formatted(CHUNK, TOKENS, STEPS));
            return;
        }
        RowLayout layout = RowLayout.of("content", FORMAT.coded()).with("rotary", FORMAT.rotary());
        RowStorage storage = RowStorage.float32(layout).with(FORMAT, "content", "rotary");
        try (Backend backend = Backends.open("vector");
                KvCache cache = new ContiguousKvCache(storage, tokens)) {
            List<Tensor> chunk = List.of(
                    Inputs.tensor(backend, 1, CHUNK, FORMAT.coded()),
                    Inputs.tensor(backend, 2, CHUNK, FORMAT.rotary()));
            long start = System.nanoTime();
            for (int from = 0; from < tokens; from += CHUNK) {
                cache.append(cache.end(), chunk);
            }
            CacheMemory memory = cache.memory();
            out.printf(
                    Locale.ROOT,
                    "%d tokens in %.2f s: %d bytes held, %d by the layout, %.4f times; heap of %d MiB, %d used%n",
                    cache.length(),
                    (System.nanoTime() - start) * 1e-9,
                    memory.reservedBytes(),
                    memory.usedBytes(),
                    (double) memory.reservedBytes() / memory.usedBytes(),
                    Runtime.getRuntime().maxMemory() >> 20,
                    (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 20);
            requireStored(cache.rows(), chunk, tokens);
            double[] times = new double[steps];
            double furthest = 0;
            for (int step = 0; step < steps; step++) {
                List<Tensor> token = List.of(
                        Inputs.tensor(backend, 1000 + 4 * step, 1, FORMAT.coded()),
                        Inputs.tensor(backend, 1001 + 4 * step, 1, FORMAT.rotary()));
                Tensor queries = Inputs.tensor(backend, 1002 + 4 * step, 1, HEADS, FORMAT.width());
                int[] chosen =
                        Inputs.classes(backend, 1003 + 4 * step, CHOSEN, tokens).toInts();
                Tensor indices = backend.tensors().ints(Shape.of(1, CHOSEN), chosen);
                long begin = System.nanoTime();
                cache.truncate(tokens - 1);
                cache.append(cache.end(), token);
                Tensor output = CachedAttention.attend(
                                new CachedAttentionInput(queries, cache.rows(), FORMAT.width(), indices, SCALE, null))
                        .output();
                times[step] = (System.nanoTime() - begin) * 1e-6;
                if (step % (steps / 10 + 1) == 0) {
                    double[] plain = plain(queries.toFloats(), cache.rows(), chosen);
                    furthest = Math.max(furthest, distance(plain, output.toFloats()));
                }
            }
            Arrays.sort(times);
            out.printf(
                    Locale.ROOT,
                    "a step, one token appended and %d of %d attended to by %d heads, others every time: %.2f ms, the median of"
                            + " %d (%.2f to %.2f); %.1e of a plain computation's norm away from it%n",
                    CHOSEN,
                    tokens,
                    HEADS,
                    times[steps / 2],
                    steps,
                    times[0],
                    times[steps - 1],
                    furthest);
        }
    }

    /** That rows all over the cache are what was appended, as rounded as the format rounds. */
    private static void requireStored(CacheRows rows, List<Tensor> chunk, int tokens) {
        float[] content = chunk.get(0).toFloats();
        float[] rotary = chunk.get(1).toFloats();
        float[] row = new float[FORMAT.width()];
        for (int token = 0; token < tokens; token += CHUNK / 2 + 1) {
            rows.gather(new int[] {token}, 0, 1, row, 0);
            int place = token % CHUNK;
            for (int i = 0; i < row.length; i++) {
                float written = i < FORMAT.coded()
                        ? content[place * FORMAT.coded() + i]
                        : rotary[place * FORMAT.rotary() + i - FORMAT.coded()];
                if (!(Math.abs(row[i] - written) <= ROUNDING * Math.abs(written) + 0x1p-17)) {
                    throw new IllegalStateException("token " + token + ", number " + i + ": " + written
                            + " was appended and " + row[i] + " is read");
                }
            }
        }
    }

    /** Attention of one token in plain loops and double precision: [heads, width]. */
    private static double[] plain(float[] queries, CacheRows rows, int[] chosen) {
        int width = FORMAT.width();
        float[] keys = new float[chosen.length * width];
        rows.gather(chosen, 0, chosen.length, keys, 0);
        double[] output = new double[HEADS * width];
        for (int head = 0; head < HEADS; head++) {
            double[] weights = new double[chosen.length];
            double most = Double.NEGATIVE_INFINITY;
            for (int key = 0; key < chosen.length; key++) {
                for (int i = 0; i < width; i++) {
                    weights[key] += SCALE * queries[head * width + i] * keys[key * width + i];
                }
                most = Math.max(most, weights[key]);
            }
            double sum = 0;
            for (int key = 0; key < chosen.length; key++) {
                weights[key] = Math.exp(weights[key] - most);
                sum += weights[key];
            }
            for (int key = 0; key < chosen.length; key++) {
                for (int i = 0; i < width; i++) {
                    output[head * width + i] += weights[key] / sum * keys[key * width + i];
                }
            }
        }
        return output;
    }

    /** Norm of the difference over the norm of what is expected; refused beyond what sums in float32 of so many terms may lose. */
    private static double distance(double[] expected, float[] found) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += (expected[i] - found[i]) * (expected[i] - found[i]);
            norm += expected[i] * expected[i];
        }
        double distance = Math.sqrt(difference / norm);
        double allowed = 0x1p-24 * (CHOSEN + FORMAT.width());
        if (!(distance <= allowed)) {
            throw new IllegalStateException("attention is " + distance + " of its norm away from a plain computation; "
                    + allowed + " is allowed");
        }
        return distance;
    }
}
