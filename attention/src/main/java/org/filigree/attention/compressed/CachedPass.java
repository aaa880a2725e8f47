package org.filigree.attention.compressed;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheEnd;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowLayout;

/**
 * One sequence's way through its cache. Everything that it reads before it appends is of the end at which it began, everything after is of
 * its own end, and it appends to the former alone; so another pass through the same cache is refused or unseen.
 *
 * <p>Its own tokens' rows it reads as the cache will show them, entries where they lie once they are appended. Nothing that comes out of it
 * has seen a number that the cache rounds away, and so nothing depends on where one pass ends and the next begins.
 */
final class CachedPass implements TokenPass {
    private final String layer;
    private final int sequence;
    private final KvCache cache;
    private final CacheEnd start;
    private final List<Tensor> parts = new ArrayList<>();

    private CachedPass(String layer, int sequence, KvCache cache, CacheEnd start) {
        this.layer = layer;
        this.sequence = sequence;
        this.cache = cache;
        this.start = start;
    }

    /** Sequences one after the other, each at its own position; all caches are checked before anything is appended to one. */
    static Tensor eachSequence(
            String layer, CacheLayout layout, Tensor x, CacheBatch caches, Context context, Body body) {
        List<CacheEnd> starts = caches.begin(layer, x.dim(0), x.dim(1), context);
        var passes = new ArrayList<CachedPass>();
        for (int b = 0; b < starts.size(); b++) {
            var pass = new CachedPass(layer, b, caches.sequences().get(b), starts.get(b));
            pass.require(layout);
            passes.add(pass);
        }
        if (x.shape().size() == 0) {
            return x;
        }
        return Autograd.withoutGradients(() -> {
            var outputs = new ArrayList<Tensor>();
            for (CachedPass pass : passes) {
                outputs.add(body.forward(slice(x, 0, pass.sequence, pass.sequence + 1), pass, context));
            }
            return concat(0, outputs);
        });
    }

    @Override
    public int start() {
        return start.length();
    }

    @Override
    public int sequence() {
        return sequence;
    }

    /**
     * Rows are appended in order: parts of equal width that stand in another order would be taken for each other. A cache that keeps a
     * row for every token, as a sequence of a pool does, has no runs. And a ring that is too narrow for windows or runs would do until its
     * sequence is longer than it.
     */
    private void require(CacheLayout layout) {
        var wanted = new ArrayList<>(layout.tokens().parts());
        wanted.addAll(layout.entries());
        if (!cache.layout().parts().equals(wanted)) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    layer + ": the cache holds rows " + cache.layout() + " but this layer leaves rows "
                            + new RowLayout(wanted) + "; make the cache by the layer's cacheLayout()");
        }
        if (cache.kept() < layout.reach() && cache.kept() < cache.capacity()) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    layer + ": a token looks back over the last " + layout.reach() + " tokens, itself included, but "
                            + cache + " keeps " + cache.kept()
                            + "; make the cache by the layer's cacheLayout(), or its ring with new SlidingWindow("
                            + layout.reach() + ", slack)");
        }
        if (layout.entries().isEmpty()) {
            return;
        }
        CacheRows entries = cache.rows(start, layout.entries().getFirst().name());
        if (entries.tokensPerRow() != layout.ratio()) {
            throw new KvCacheException(
                    KvCacheException.Reason.LAYOUT,
                    layer + ": an entry stands for " + layout.ratio() + " tokens but a row of " + cache + " for "
                            + entries.tokensPerRow() + "; make the cache by the layer's cacheLayout()");
        }
    }

    @Override
    public Tensor window(int width, Tensor keys) {
        return after(CompressedAttention.WINDOW, Math.max(0, start() - width + 1), keys);
    }

    @Override
    public Tensor unpooled(String part, Compressor pooling, Tensor rows) {
        int first = pooling.compression().entries(start());
        if (pooling.compression().entries(start() + rows.dim(1)) == first) {
            // What will be needed of earlier rows can stay where it is.
            return slice(rows, 1, 0, 0);
        }
        return rows.dim(2) == 0 ? rows : after(part, pooling.firstRow(first), rows);
    }

    /** Rows of a part from a position on, then new ones: [1, rows, ·]. */
    private Tensor after(String part, int from, Tensor more) {
        if (from == start()) {
            return more;
        }
        CacheRows held = cache.rows(start, part);
        int first = from - held.firstToken();
        if (first < 0) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    layer + ": the next token looks back to " + part + " of token " + from + " but the oldest kept is "
                            + held.firstToken() + "; make the cache by the layer's cacheLayout()");
        }
        int rows = held.count() - first;
        float[] values = new float[rows * held.width()];
        held.read(first, rows, values, 0);
        Tensor before = Backend.of(more).tensors().floats(Shape.of(1, rows, held.width()), values);
        return concat(1, before, more);
    }

    /** Appended later, and unrounded: the cache rounds once. */
    @Override
    public List<Tensor> leave(List<Tensor> ofTokens) {
        ofTokens.forEach(part -> parts.add(withoutBatch(part)));
        return cache.asStored(parts).stream().map(part -> insertAxis(part, 0)).toList();
    }

    @Override
    public void end() {
        var _ = cache.append(start, parts);
    }

    @Override
    public EntryKeys end(EntryKeys.Computed completed) {
        parts.add(withoutBatch(completed.keys()));
        Tensor scorerKeys = completed.scorerKeys();
        if (scorerKeys != null) {
            parts.add(withoutBatch(scorerKeys));
        }
        CacheEnd end = cache.append(start, parts);
        return new EntryKeys.Cached(
                cache.rows(end, CompressedAttention.ENTRIES),
                scorerKeys == null ? null : cache.rows(end, CompressedAttention.SCORER_KEYS),
                Backend.of(completed.keys()));
    }

    /** [1, rows, ·] to [rows, ·]. */
    static Tensor withoutBatch(Tensor x) {
        return reshape(x, x.shape().without(0));
    }
}
