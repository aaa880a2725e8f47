package org.filigree.bench;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.filigree.attention.Attended;
import org.filigree.attention.CachedAttention;
import org.filigree.attention.CachedAttentionInput;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Slice;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.BlockPoolConfig;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.TiledRows;

/** Decoding over a paged cache in the released FP8 layout: one step of sparse attention, and what a step or a prompt appends. */
final class CacheTable implements Table {
    private static final int LATENT = 512;
    private static final int ROTARY = 64;
    private static final int WIDTH = LATENT + ROTARY;
    private static final int HEADS = 16;
    private static final int KEYS = 65_536;
    private static final int CHOSEN = 2048;
    private static final int APPENDED = 4096;
    private static final double SCALE = 1.0 / 16;

    @Override
    public String name() {
        return "cache";
    }

    @Override
    public String title() {
        return "Decoding over pages of V32_FP8Sparse, latent 512 + rotary 64";
    }

    @Override
    public List<Workload> rows() {
        return List.of(attend(), append());
    }

    private static Workload attend() {
        return new Workload(
                "sparse attention step, 2048 of 65 536 keys, 16 heads",
                2.0 * CHOSEN * HEADS * (WIDTH + LATENT),
                (double) CHOSEN * TiledRows.V32_FP8_SPARSE.bytesPerRow(),
                1e-4,
                List.of(new Target.TimesPeer(6)),
                "fp8_sparse_attention",
                Map.of("keys", KEYS, "chosen", CHOSEN, "heads", HEADS, "scale", SCALE),
                backend -> {
                    KvCache cache = cache(KEYS);
                    for (int from = 0; from < KEYS; from += APPENDED) {
                        cache.append(cache.end(), parts(backend, 10 + from / APPENDED, APPENDED));
                    }
                    CacheRows rows = cache.rows();
                    Tensor queries = Inputs.tensor(backend, 1, 1, HEADS, WIDTH);
                    Tensor chosen = backend.tensors()
                            .ints(
                                    Shape.of(1, CHOSEN),
                                    Inputs.classes(backend, 2, CHOSEN, KEYS).toInts());
                    var input = new CachedAttentionInput(queries, rows, LATENT, chosen, SCALE, null);
                    return () -> {
                        Attended attended = CachedAttention.attend(input);
                        return List.of(attended.output(), attended.logSumExp());
                    };
                });
    }

    private static Workload append() {
        return new Workload(
                "append and quantise, 4096 tokens",
                0,
                (double) APPENDED * (4 * WIDTH + TiledRows.V32_FP8_SPARSE.bytesPerRow()),
                1e-6,
                List.of(new Target.TimesPeer(5)),
                "fp8_append",
                Map.of("tokens", APPENDED),
                CacheTable::append);
    }

    /** A few rows are read back, to be compared. */
    private static Supplier<List<Tensor>> append(Backend backend) {
        KvCache cache = cache(APPENDED);
        List<Tensor> parts = parts(backend, 10, APPENDED);
        float[] first = new float[8 * WIDTH];
        return () -> {
            cache.truncate(0);
            cache.append(cache.end(), parts);
            cache.rows().read(0, 8, first, 0);
            return List.of(backend.tensors().floats(Shape.of(8, WIDTH), first));
        };
    }

    private static List<Tensor> parts(Backend backend, int seed, int tokens) {
        Tensor rows = Inputs.tensor(backend, seed, tokens, WIDTH);
        return List.of(Slice.slice(rows, 1, 0, LATENT), Slice.slice(rows, 1, LATENT, WIDTH));
    }

    private static KvCache cache(int tokens) {
        RowLayout layout = RowLayout.of("latent", LATENT).with("rotary", ROTARY);
        RowStorage storage = RowStorage.float32(layout).with(TiledRows.V32_FP8_SPARSE, "latent", "rotary");
        BlockPoolConfig pool = BlockPoolConfig.of(tokens / 64, 1, storage).withBlockTokens(64);
        return pool.init().sequence(tokens).layer(0);
    }
}
