package org.filigree.attention.compressed;

import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.testkit.Compare.assertClose;

import java.util.ArrayList;
import java.util.List;
import org.filigree.attention.TopBlocks;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.op.Concat;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.KvCache;
import org.junit.jupiter.api.Test;

/** Passes so long that queries choose in several blocks, against the same in passes of one block. */
class LongPassTest {
    private static final int WIDTH = 16;

    private final Backend backend = TestBackends.get("vector");

    @Test
    void compressedEntries() {
        CompressedAttentionConfig config = CompressedAttentionConfig.of(WIDTH, 1);
        CompressedAttention layer = config.init(backend, RandomStream.of(3));
        agree(4500, 900, List.of(layer), List.of(config.cacheLayout()));
    }

    /** The second layer chooses among the candidates of the first. */
    @Test
    void candidatesOfAnotherLayer() {
        var pattern = new SourcePattern(List.of(1, 1), List.of(0), List.of(0, 1), 0, TopBlocks.byBest(5, 8));
        SourcedAttentionConfig sizes = SourcedAttentionConfig.of(WIDTH, 1);
        var layers = new ArrayList<SourcedAttention>();
        for (SourcedAttentionConfig config : SourcedAttentionConfig.layers(
                pattern, sizes.head(), 16, sizes.rotary(), LatentIndexerConfig.of(2, 8), 7)) {
            layers.add(config.init(backend, RandomStream.of(5 + layers.size())));
        }
        agree(
                2500,
                500,
                List.copyOf(layers),
                layers.stream().map(layer -> layer.config().cacheLayout()).toList());
    }

    private void agree(int tokens, int chunk, List<Layer> layers, List<CacheLayout> layouts) {
        Tensor x = Sample.gaussian("x", RandomStream.of(1), 1, tokens, WIDTH).on(backend);
        Tensor whole = forward(layers, x, List.of());
        List<KvCache> caches =
                layouts.stream().map(layout -> layout.init(tokens)).toList();
        try {
            var parts = new ArrayList<Tensor>();
            for (int from = 0; from < tokens; from += chunk) {
                parts.add(forward(layers, slice(x, 1, from, from + chunk), caches));
            }
            assertClose("outputs", whole, Concat.concat(1, parts), Tolerance.relative(1e-5));
        } finally {
            caches.forEach(KvCache::close);
        }
    }

    private static Tensor forward(List<Layer> layers, Tensor x, List<KvCache> caches) {
        Context pass = Context.inference().with(Sources.KEY, new Sources());
        Tensor y = x;
        for (int l = 0; l < layers.size(); l++) {
            Context context = caches.isEmpty() ? pass : pass.with(CacheBatch.KEY, CacheBatch.of(caches.get(l)));
            y = layers.get(l).forward(y, context);
        }
        return y;
    }
}
