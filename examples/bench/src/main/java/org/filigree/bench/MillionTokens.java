package org.filigree.bench;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.filigree.attention.CachedAttention;
import org.filigree.attention.CachedAttentionInput;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheMemory;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.TiledRows;

/**
 * A million tokens of one layer in MODEL1_FP8Sparse: what they take beside the layout's own bytes, and a step of sparse attention over
 * them. Meant for a heap of 2 GiB.
 */
final class MillionTokens {
    private static final int TOKENS = 1 << 20;
    private static final int CHUNK = 4096;
    private static final int HEADS = 16;
    private static final int CHOSEN = 2048;
    private static final int STEPS = 500;

    private MillionTokens() {}

    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        TiledRows format = TiledRows.MODEL1_FP8_SPARSE;
        RowLayout layout = RowLayout.of("content", format.coded()).with("rotary", format.rotary());
        RowStorage storage = RowStorage.float32(layout).with(format, "content", "rotary");
        try (Backend backend = Backends.open("vector");
                KvCache cache = new ContiguousKvCache(storage, TOKENS)) {
            List<Tensor> chunk = List.of(
                    Inputs.tensor(backend, 1, CHUNK, format.coded()),
                    Inputs.tensor(backend, 2, CHUNK, format.rotary()));
            long start = System.nanoTime();
            for (int from = 0; from < TOKENS; from += CHUNK) {
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
            List<Tensor> token = List.of(
                    Inputs.tensor(backend, 5, 1, format.coded()), Inputs.tensor(backend, 6, 1, format.rotary()));
            Tensor queries = Inputs.tensor(backend, 3, 1, HEADS, format.width());
            Tensor chosen = backend.tensors()
                    .ints(
                            Shape.of(1, CHOSEN),
                            Inputs.classes(backend, 4, CHOSEN, TOKENS).toInts());
            long best = Long.MAX_VALUE;
            for (int step = 0; step < STEPS; step++) {
                long begin = System.nanoTime();
                cache.truncate(TOKENS - 1);
                cache.append(cache.end(), token);
                CachedAttention.attend(new CachedAttentionInput(
                        queries, cache.rows(), format.width(), chosen, 1 / Math.sqrt(format.width()), null));
                best = Math.min(best, System.nanoTime() - begin);
            }
            out.printf(
                    Locale.ROOT,
                    "a step, one token appended and %d of %d attended to by %d heads: %.2f ms at best%n",
                    CHOSEN,
                    TOKENS,
                    HEADS,
                    best * 1e-6);
        }
    }
}
