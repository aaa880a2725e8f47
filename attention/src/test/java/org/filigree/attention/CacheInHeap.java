package org.filigree.attention;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.nn.Context;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.BlockPoolConfig;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.TiledRows;

/** A process that attends densely over a cache of released widths, for {@link MemoryTest} to run in a heap of known size. */
final class CacheInHeap {
    private static final int LATENT = 512;
    private static final int ROTARY = 64;
    private static final int WIDTH = 128;
    private static final int CHUNK = 256;
    /** Of a length that no width divides, so that rows differ. */
    private static final float[] WAVE = new float[7919];

    static {
        for (int i = 0; i < WAVE.length; i++) {
            WAVE[i] = (float) Math.sin(0.37 * i);
        }
    }

    /** Where rows lie. */
    enum Place {
        /** Side by side. */
        CONTIGUOUS,
        /** In blocks of a pool. */
        PAGED
    }

    private CacheInHeap() {}

    /** Backend, then for each of several runs: FLOAT32 or FP8, place, rows, tokens, heads, form. */
    public static void main(String[] arguments) {
        try (Backend backend = Backends.open(arguments[0])) {
            for (int run = 1; run < arguments.length; run += 6) {
                attend(backend, Arrays.asList(arguments).subList(run, run + 6));
            }
        }
    }

    private static void attend(Backend backend, List<String> run) {
        int rows = Integer.parseInt(run.get(2));
        int tokens = Integer.parseInt(run.get(3));
        int heads = Integer.parseInt(run.get(4));
        LatentAttention layer = LatentAttentionConfig.of(WIDTH, heads)
                .withHead(new HeadWidths(8, ROTARY, 8))
                .withLatent(LATENT)
                .withForm(LatentForm.valueOf(run.get(5)))
                .init(backend, RandomStream.of(1));
        RowStorage plain = RowStorage.float32(layer.rowLayout());
        RowStorage storage = run.get(0).equals("FP8")
                ? plain.with(TiledRows.V32_FP8_SPARSE, LatentAttention.LATENT, LatentAttention.ROTARY_KEY)
                : plain;
        int capacity = rows + tokens;
        KvCache cache = switch (Place.valueOf(run.get(1))) {
            case CONTIGUOUS -> new ContiguousKvCache(storage, capacity);
            case PAGED ->
                new BlockPoolConfig(Math.ceilDiv(capacity, 64), 64, List.of(storage))
                        .init()
                        .sequence(capacity)
                        .layer(0);
        };
        for (int from = 0; from < rows; from += CHUNK) {
            int count = Math.min(CHUNK, rows - from);
            cache.append(
                    cache.end(), List.of(waves(backend, from, count, LATENT), waves(backend, from, count, ROTARY)));
        }
        Tensor x = backend.tensors()
                .floats(
                        Shape.of(1, tokens, WIDTH),
                        waves(backend, 0, tokens, WIDTH).toFloats());
        Tensor output = layer.forward(x, Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache)));
        for (float value : output.toFloats()) {
            if (!Float.isFinite(value)) {
                throw new AssertionError("an output is " + value);
            }
        }
        if (layer.config().form() == LatentForm.ABSORBED) {
            agreesWithPlainLoops(backend, cache.rows(), tokens, heads);
        }
    }

    /** The last head of the last token, row by row in double precision. */
    private static void agreesWithPlainLoops(Backend backend, CacheRows rows, int tokens, int heads) {
        int width = rows.width();
        Tensor queries = backend.tensors()
                .floats(
                        Shape.of(tokens, heads, width),
                        waves(backend, 0, tokens * heads, width).toFloats());
        KeySpan span = KeySpan.causal(tokens, rows.count());
        float[] output = CachedDenseAttention.attend(new CachedDenseInput(queries, rows, LATENT, span, 0.2, null))
                .output()
                .toFloats();
        float[] q = queries.toFloats();
        float[] key = new float[width];
        double total = 0;
        double[] sums = new double[LATENT];
        for (int j = 0; j < rows.count(); j++) {
            rows.read(j, 1, key, 0);
            double logit = 0;
            for (int c = 0; c < width; c++) {
                logit += 0.2 * q[q.length - width + c] * key[c];
            }
            // Waves keep logits within ±0.2·width.
            double weight = Math.exp(logit - 0.2 * width);
            total += weight;
            for (int c = 0; c < LATENT; c++) {
                sums[c] += weight * key[c];
            }
        }
        for (int c = 0; c < LATENT; c++) {
            requireAlike(sums[c] / total, output[output.length - LATENT + c]);
        }
    }

    private static void requireAlike(double expected, double actual) {
        // Weights carry the error of a logit of up to 115, in float32.
        if (!(Math.abs(expected - actual) <= 1e-4)) {
            throw new AssertionError(expected + " but " + actual);
        }
    }

    private static Tensor waves(Backend backend, int first, int rows, int width) {
        float[] values = new float[rows * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = WAVE[(int) ((first * (long) width + i) % WAVE.length)];
        }
        return backend.tensors().floats(Shape.of(rows, width), values);
    }
}
