package org.filigree.bench;

import static org.filigree.core.op.Slice.slice;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.filigree.attention.compressed.CompressedAttention;
import org.filigree.attention.compressed.CompressedAttentionConfig;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.nn.Context;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.KvCache;

/**
 * The hierarchical preset (a window of 4096, a summary of each 32 768 tokens) over a million tokens: what a chunk of a prompt and a step of
 * one token take as the context grows, and what the cache holds. Every chunk and every step has tokens of its own. Arguments: tokens, a
 * multiple of 4096, and steps.
 */
final class HierarchyAtLength {
    private static final int TOKENS = 1 << 20;
    private static final int CHUNK = 4096;
    private static final int STEPS = 200;
    private static final int WIDTH = 128;
    private static final int HEADS = 4;

    private HierarchyAtLength() {}

    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        int tokens = arguments.length == 2 ? Integer.parseInt(arguments[0]) : 0;
        int steps = arguments.length == 2 ? Integer.parseInt(arguments[1]) : 0;
        if (tokens <= 0 || tokens % CHUNK != 0 || steps <= 0) {
            out.println("arguments: tokens, a multiple of %d, and steps; %d %d for the whole measurement"
                    .formatted(CHUNK, TOKENS, STEPS));
            return;
        }
        try (Backend backend = Backends.open("vector")) {
            CompressedAttention layer =
                    CompressedAttentionConfig.hierarchical(WIDTH, HEADS).init(backend, RandomStream.of(1));
            try (KvCache cache = layer.config().cacheLayout().initSliding(tokens + 1, CHUNK)) {
                Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
                out.println("| tokens | a chunk of 4096 | a step | one that completes a run | cache | heap |");
                out.println("|--:|--:|--:|--:|--:|--:|");
                double chunks = 0;
                int since = 0;
                for (int held = 0; held < tokens; held += CHUNK) {
                    Tensor chunk = Inputs.tensor(backend, held / CHUNK, 1, CHUNK, WIDTH);
                    chunks += milliseconds(() -> layer.forward(chunk, context));
                    since++;
                    int length = held + CHUNK;
                    if (length >= 16 * CHUNK && Integer.bitCount(length) == 1) {
                        double step = step(layer, chunk, steps, cache, context);
                        cache.truncate(length - 1);
                        double completing = step(layer, chunk, steps, cache, context);
                        layer.forward(slice(chunk, 1, CHUNK - 1, CHUNK), context);
                        Runtime machine = Runtime.getRuntime();
                        out.printf(
                                Locale.ROOT,
                                "| %d | %.1f ms | %.3f ms | %.1f ms | %.1f MB | %d MiB |%n",
                                length,
                                chunks / since,
                                step,
                                completing,
                                cache.memory().reservedBytes() * 1e-6,
                                (machine.totalMemory() - machine.freeMemory()) >> 20);
                        chunks = 0;
                        since = 0;
                    }
                }
            }
        }
    }

    /** The median of steps of one token, another each time, each taken back. */
    private static double step(CompressedAttention layer, Tensor chunk, int steps, KvCache cache, Context context) {
        double[] times = new double[steps];
        for (int i = 0; i < steps; i++) {
            Tensor token = slice(chunk, 1, i % CHUNK, i % CHUNK + 1);
            times[i] = milliseconds(() -> layer.forward(token, context));
            cache.truncate(cache.length() - 1);
        }
        Arrays.sort(times);
        return times[steps / 2];
    }

    private static double milliseconds(Runnable work) {
        long begin = System.nanoTime();
        work.run();
        return (System.nanoTime() - begin) * 1e-6;
    }
}
