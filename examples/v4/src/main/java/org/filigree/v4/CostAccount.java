package org.filigree.v4;

import java.util.Locale;
import org.filigree.attention.LatentAttentionConfig;
import org.filigree.engram.EngramConfig;

/**
 * What a model costs, computed from its sizes alone.
 *
 * @param total numbers that the parameters hold
 * @param active numbers that take part in computing one token: of embeddings and memory tables the rows read, of experts the chosen
 * @param memory numbers that the memory tables hold
 * @param cacheBytes bytes that one token leaves in the caches of all layers, in float32
 * @param flops floating-point operations of one token's forward pass at the full context, a multiply-add counting two
 * @param context tokens before that token
 */
public record CostAccount(long total, long active, long memory, long cacheBytes, long flops, int context) {
    /** Multiply-adds of one Sinkhorn iteration per entry, roughly: two sums and two divisions. */
    private static final int SINKHORN_OPERATIONS = 4;

    /**
     * The account of a model.
     *
     * @param config its sizes
     * @return what it costs
     */
    public static CostAccount of(V4Config config) {
        var parts = new V4Parts(config);
        long width = config.width();
        long head = width + (long) config.vocabulary() * width;
        long connections = connections(config);
        long joining = config.streams() * (config.streams() * width + 1) + 1;
        LatentAttentionConfig attention = parts.attention();
        ExpertSizes experts = config.experts();
        long expert = 3 * width * experts.hidden();
        long gate = experts.routed() * (width + 1);
        long block = 2 * connections + 2 * width + attention.parameterCount() + gate;
        long blockTotal = block + (experts.routed() + experts.shared()) * expert;
        long blockActive = block + (experts.chosen() + experts.shared()) * expert;
        long memoryDense = 0;
        long memoryTables = 0;
        long memoryRead = 0;
        if (!config.memory().layers().isEmpty()) {
            EngramConfig engram = parts.memory();
            for (int layer : config.memory().layers()) {
                memoryTables += engram.tableElements(layer);
                memoryDense += engram.denseElements();
                memoryRead += engram.memoryWidth();
            }
        }
        long total = config.vocabulary() * width
                + config.layers() * blockTotal
                + joining
                + 2 * head
                + memoryDense
                + memoryTables;
        long active = width + config.layers() * blockActive + joining + head + memoryDense + memoryRead;
        return new CostAccount(
                total,
                active,
                memoryTables,
                parts.cache(1).bytesPerToken(),
                2 * active + config.layers() * perKey(config),
                config.context());
    }

    /** Parameters of the hyper-connections around one sub-layer; a plain residual has none. */
    private static long connections(V4Config config) {
        long n = config.streams();
        return n == 1 ? 0 : n * (n + 2) * (n * config.width() + 1) + 3;
    }

    /** Operations that grow with the context, and those of mixing streams, in one layer. */
    private static long perKey(V4Config config) {
        AttentionSizes sizes = config.attention();
        long keys = config.context();
        long attended = Math.min(keys, sizes.selected());
        long indexing = 2L * keys * sizes.indexHeads() * (sizes.indexDim() + 1);
        long attending = 2L * attended * sizes.heads() * (2L * sizes.latentRank() + sizes.ropeDim());
        long n = config.streams();
        long mixing = n == 1
                ? 0
                : 2 * (2 * n * (n + 2) * config.width() + SINKHORN_OPERATIONS * n * n * config.sinkhornIterations());
        return indexing + attending + mixing;
    }

    /** {@return the account in one line} */
    public String line() {
        return "%s parameters, %s active, of them memory tables %s"
                .formatted(count(total), count(active), count(memory));
    }

    /** {@return the account as a small table, one quantity a line} */
    public String table() {
        return String.format(
                Locale.ROOT, """
                parameters            %s
                  in memory tables    %s
                active per token      %s
                KV bytes per token    %,d (float32; half of that in bf16)
                FLOPs per token       %s (forward, at %,d tokens)
                """, count(total), count(memory), count(active), cacheBytes, count(flops), context);
    }

    private static String count(long n) {
        if (n >= 1_000_000_000) {
            return String.format(Locale.ROOT, "%.2f billion", n / 1e9);
        }
        return n >= 1_000_000
                ? String.format(Locale.ROOT, "%.2f million", n / 1e6)
                : String.format(Locale.ROOT, "%,d", n);
    }
}
