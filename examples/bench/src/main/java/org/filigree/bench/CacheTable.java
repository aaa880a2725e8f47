package org.filigree.bench;

import java.util.List;
import java.util.Map;
import org.filigree.attention.Attended;
import org.filigree.attention.CachedAttention;
import org.filigree.attention.CachedAttentionInput;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Slice;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.BlockPool;
import org.filigree.kvcache.BlockPoolConfig;
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
    /** Tokens appended together at most, and of the sequence that they are appended to. */
    private static final int PROMPT = 4096;

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
        return List.of(attend(), append(1), append(64), append(512), append(4096));
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
                Attending::of);
    }

    private static Workload append(int tokens) {
        return new Workload(
                "append and quantise, " + (tokens == 1 ? "one token" : tokens + " tokens"),
                0,
                (double) tokens * (4 * WIDTH + TiledRows.V32_FP8_SPARSE.bytesPerRow()),
                // The same bytes on both sides.
                0,
                List.of(new Target.TimesPeer(5)),
                "fp8_append",
                Map.of("tokens", tokens),
                backend -> Appending.of(backend, tokens));
    }

    /** A step of sparse attention. */
    private record Attending(BlockPool pool, CachedAttentionInput input) implements Work {
        static Attending of(Backend backend) {
            BlockPool pool = pagesFor(KEYS);
            KvCache cache = pool.sequence(KEYS).layer(0);
            for (int from = 0; from < KEYS; from += PROMPT) {
                cache.append(cache.end(), parts(backend, 10 + from / PROMPT, PROMPT));
            }
            Tensor queries = Inputs.tensor(backend, 1, 1, HEADS, WIDTH);
            Tensor chosen = backend.tensors()
                    .ints(
                            Shape.of(1, CHOSEN),
                            Inputs.classes(backend, 2, CHOSEN, KEYS).toInts());
            return new Attending(pool, new CachedAttentionInput(queries, cache.rows(), LATENT, chosen, SCALE, null));
        }

        @Override
        public List<Tensor> run() {
            Attended attended = CachedAttention.attend(input);
            return List.of(attended.output(), attended.logSumExp());
        }

        @Override
        public void close() {
            pool.close();
        }
    }

    /** Tokens appended to a sequence, which begins anew when it is full. */
    private record Appending(BlockPool pool, KvCache cache, List<Tensor> parts, int tokens) implements Work {
        static Appending of(Backend backend, int tokens) {
            BlockPool pool = pagesFor(PROMPT);
            return new Appending(pool, pool.sequence(PROMPT).layer(0), CacheTable.parts(backend, 10, tokens), tokens);
        }

        @Override
        public List<Tensor> run() {
            if (cache.length() + tokens > PROMPT) {
                cache.truncate(0);
            }
            cache.append(cache.end(), parts);
            return List.of();
        }

        @Override
        public List<Tensor> results(List<Tensor> last) {
            float[] rows = new float[tokens * WIDTH];
            cache.rows().read(cache.length() - tokens, tokens, rows, 0);
            return List.of(Backend.of(parts.getFirst()).tensors().floats(Shape.of(tokens, WIDTH), rows));
        }

        @Override
        public void close() {
            pool.close();
        }
    }

    private static List<Tensor> parts(Backend backend, int seed, int tokens) {
        Tensor rows = Inputs.tensor(backend, seed, tokens, WIDTH);
        return List.of(Slice.slice(rows, 1, 0, LATENT), Slice.slice(rows, 1, LATENT, WIDTH));
    }

    private static BlockPool pagesFor(int tokens) {
        RowLayout layout = RowLayout.of("latent", LATENT).with("rotary", ROTARY);
        RowStorage storage = RowStorage.float32(layout).with(TiledRows.V32_FP8_SPARSE, "latent", "rotary");
        return BlockPoolConfig.of(tokens / 64, 1, storage).withBlockTokens(64).init();
    }
}
