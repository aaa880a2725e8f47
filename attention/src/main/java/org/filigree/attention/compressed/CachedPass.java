package org.filigree.attention.compressed;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.ArrayList;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;

/** A pass through caches: sequences one after the other, each at its own position. */
final class CachedPass {
    private CachedPass() {}

    interface OneSequence {
        /** x [1, tokens, width], which sequence it is, and its cache, which the layer appends to. */
        Tensor forward(Tensor x, int sequence, KvCache cache, Context context);
    }

    static Tensor eachSequence(String layer, Tensor x, CacheBatch caches, Context context, OneSequence one) {
        if (context.mode() == Context.Mode.TRAINING) {
            throw new IllegalArgumentException(layer + ": a training pass cannot go through caches, which pass no"
                    + " gradient on; use Context.inference(), or leave the caches out");
        }
        if (caches.sequences().size() != x.dim(0)) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    layer + ": x " + x.shape() + " has " + x.dim(0) + " sequences but the context brings "
                            + caches.sequences().size() + " caches");
        }
        return Autograd.withoutGradients(() -> {
            var outputs = new ArrayList<Tensor>();
            for (int b = 0; b < x.dim(0); b++) {
                KvCache cache = caches.sequences().get(b);
                inStep(layer, cache, context);
                outputs.add(one.forward(slice(x, 0, b, b + 1), b, cache, context));
            }
            return concat(0, outputs);
        });
    }

    private static void inStep(String layer, KvCache cache, Context context) {
        if (context.start() != 0 && context.start() != cache.length()) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    layer + ": the context starts at position " + context.start() + " but the cache holds "
                            + cache.length() + " tokens; truncate the cache or correct the start");
        }
    }

    /**
     * A cache that keeps a row for every token, as a sequence of a pool does, has no runs; one whose tokens were taken back or put in behind
     * the layer's back has others than its tokens say.
     */
    static void requireRuns(String layer, KvCache cache, Compression compression) {
        CacheRows entries = cache.rows(CompressedAttention.ENTRIES);
        if (entries.tokensPerRow() != compression.ratio()) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    layer + ": an entry stands for " + compression.ratio() + " tokens but a row of " + cache + " for "
                            + entries.tokensPerRow() + "; make the cache by the layer's cacheLayout()");
        }
        if (entries.count() != compression.entries(cache.length())) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    layer + ": " + cache.length() + " tokens complete " + compression.entries(cache.length())
                            + " runs of " + compression.ratio() + " but the cache holds " + entries.count()
                            + " entries; truncate tokens and entries together");
        }
    }

    /** Without caches there is nothing to reach back to. */
    static void fromTheBeginning(String layer, Context context) {
        if (context.start() != 0) {
            throw new IllegalArgumentException(layer + ": a pass that begins at position " + context.start()
                    + " needs caches, since its window and its runs reach back; add a CacheBatch to the context");
        }
    }

    /** Rows of a part from a position on, then new ones: [1, rows, ·]. */
    static Tensor after(KvCache cache, String part, int from, Tensor more) {
        if (from == cache.length()) {
            return more;
        }
        CacheRows held = cache.rows(part);
        int first = from - held.firstToken();
        if (first < 0) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "attention: the next token looks back to " + part + " of token " + from + " but the oldest kept is "
                            + held.firstToken() + "; make the cache by the layer's cacheLayout()");
        }
        int rows = held.count() - first;
        float[] values = new float[rows * held.width()];
        held.read(first, rows, values, 0);
        Tensor before = Backend.of(more).tensors().floats(Shape.of(1, rows, held.width()), values);
        return concat(1, before, more);
    }

    /** [1, rows, ·] to [rows, ·]. */
    static Tensor withoutBatch(Tensor x) {
        return reshape(x, x.shape().without(0));
    }
}
