package org.filigree.attention.compressed;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheBatch;

/** What a layer's tokens find before them and leave behind them: all at once from the beginning, or behind those of a cache. */
sealed interface TokenPass permits TokenPass.FromTheBeginning, CachedPass {
    /** What a layer does in a pass. */
    interface Body {
        Tensor forward(Tensor x, TokenPass pass, Context context);
    }

    /** Checks x [batch, tokens, width] and runs the layer, through the caches of the context sequence by sequence if there are any. */
    static Tensor run(String layer, int width, CacheLayout layout, Tensor x, Context context, Body body) {
        Check.dtype(layer, "x", x, DType.FLOAT32);
        Check.rank(layer, "x", x, 3);
        Check.lastDim(layer, "x", x, width);
        var caches = context.find(CacheBatch.KEY);
        if (caches.isPresent()) {
            return CachedPass.eachSequence(layer, layout, x, caches.get(), context, body);
        }
        if (context.start() != 0) {
            throw new IllegalArgumentException(layer + ": a pass that begins at position " + context.start()
                    + " needs caches, since its window and its runs reach back; add a CacheBatch to the context");
        }
        return x.shape().size() == 0
                ? Backend.of(x).tensors().zeros(x.shape())
                : body.forward(x, new FromTheBeginning(), context);
    }

    /** Position of the first token. */
    int start();

    /** Number of the sequence in the batch, 0 where they all go together. */
    int sequence();

    /**
     * What the tokens leave, in the order of the cache's layout, at once: parts [batch, tokens, ·], and what whoever comes later will find of
     * them, which the tokens themselves must read too.
     */
    List<Tensor> leave(List<Tensor> ofTokens);

    /** The keys that a window of so many tokens reaches, earlier ones before the pass's own, which {@link #leave} gave. */
    Tensor window(int width, Tensor keys);

    /**
     * The rows that entries are pooled from which the pass completes.
     *
     * @param part what a cache calls them
     * @param pooling says how far back they reach
     * @param rows of the pass's own tokens, which {@link #leave} gave
     */
    Tensor unpooled(String part, Compressor pooling, Tensor rows);

    /** Nothing else is left. */
    void end();

    /** The entries that the pass completes are left too; those that its queries may attend to. */
    EntryKeys end(EntryKeys.Computed completed);

    /** There is nothing before, and nobody comes after. */
    record FromTheBeginning() implements TokenPass {
        @Override
        public int start() {
            return 0;
        }

        @Override
        public int sequence() {
            return 0;
        }

        @Override
        public List<Tensor> leave(List<Tensor> ofTokens) {
            return ofTokens;
        }

        @Override
        public Tensor window(int width, Tensor keys) {
            return keys;
        }

        @Override
        public Tensor unpooled(String part, Compressor pooling, Tensor rows) {
            return rows;
        }

        @Override
        public void end() {}

        @Override
        public EntryKeys end(EntryKeys.Computed completed) {
            return completed;
        }
    }
}
