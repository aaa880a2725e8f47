package org.filigree.attention;

import static org.filigree.core.op.Slice.slice;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.filigree.attention.compressed.CacheLayout;
import org.filigree.attention.compressed.CompressedAttentionConfig;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowLayout;
import org.junit.jupiter.api.Test;

/** Scorers and selectors that do not keep to their contract, and caches of other layers. */
class NounContractTest {
    private static final int TOKENS = 5;

    private final Backend backend = TestBackends.get("scalar");
    private final Tensor x =
            Sample.gaussian("x", RandomStream.of(1), 1, TOKENS, 16).on(backend);

    private LatentAttention layer(Selector selector) {
        return LatentAttentionConfig.of(16, 2).withSelector(selector).init(backend, RandomStream.of(3));
    }

    private Selector choosing(int key) {
        return (scores, visibility) -> {
            int[] chosen = new int[scores.dim(0) * scores.dim(1)];
            Arrays.fill(chosen, key);
            return Backend.of(scores).tensors().ints(Shape.of(scores.dim(0), scores.dim(1), 1), chosen);
        };
    }

    @Test
    void aKeyOfTheFutureIsRefusedInEveryForm() {
        for (LatentForm form : LatentForm.values()) {
            String message = Thrown.message(
                    IllegalArgumentException.class,
                    () -> layer(choosing(3)).withForm(form).forward(x, Context.inference()));
            assertTrue(message.contains("chose key 3 for token 0"), message);
            assertTrue(message.contains("sees the first 1 keys"), message);
            layer(choosing(0)).withForm(form).forward(x, Context.inference());
            layer(choosing(-1)).withForm(form).forward(x, Context.inference());
        }
    }

    @Test
    void aKeyBeforeTheFirstIsRefusedInEveryFormAndBehindACache() {
        Selector back = Selector.byPosition(visible -> new int[] {visible - 3});
        for (LatentForm form : LatentForm.values()) {
            LatentAttention layer = layer(back).withForm(form);
            String message =
                    Thrown.message(IllegalArgumentException.class, () -> layer.forward(x, Context.inference()));
            assertTrue(message.contains("chose key -2 for token 0"), message);
            try (KvCache cache = new ContiguousKvCache(layer.rowLayout(), 16)) {
                Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
                assertThrows(IllegalArgumentException.class, () -> layer.forward(x, context));
            }
        }
    }

    @Test
    void aKeyOfTheFutureIsRefusedBehindACache() {
        LatentAttention layer = layer(choosing(3));
        try (KvCache cache = new ContiguousKvCache(layer.rowLayout(), 16)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            assertThrows(IllegalArgumentException.class, () -> layer.forward(slice(x, 1, 0, 2), context));
            cache.truncate(0);
            layer(choosing(0)).forward(slice(x, 1, 0, 3), context);
            // It sees keys 0 to 3 now.
            layer.forward(slice(x, 1, 3, 4), context);
        }
    }

    @Test
    void aChoiceOfAnotherShapeIsRefused() {
        Selector flat = (scores, visibility) -> Backend.of(scores).tensors().ints(Shape.of(1), new int[] {0});
        String message = Thrown.message(ShapeException.class, () -> layer(flat).forward(x, Context.inference()));
        assertTrue(message.contains("[1, 5, chosen]"), message);
    }

    @Test
    void scoresAndKeysOfAnotherShapeAreRefused() {
        UnaryOperator<Tensor> same = t -> t;
        UnaryOperator<Tensor> shorter = t -> slice(t, -1, 0, t.dim(-1) - 1);
        String ofScores = Thrown.message(
                ShapeException.class, () -> changed(same, shorter).forward(x, Context.inference()));
        assertTrue(ofScores.contains("scores of the scorer") && ofScores.contains("[1, 5, 5]"), ofScores);
        String ofKeys = Thrown.message(
                ShapeException.class, () -> changed(shorter, same).forward(x, Context.inference()));
        assertTrue(ofKeys.contains("keys of the scorer"), ofKeys);
        changed(same, same).forward(x, Context.inference());
    }

    private LatentAttention changed(UnaryOperator<Tensor> keys, UnaryOperator<Tensor> scores) {
        return LatentAttentionConfig.of(16, 2)
                .withScorer(new Changed(keys, scores))
                .withSelector(TopK.of(2))
                .init(backend, RandomStream.of(3));
    }

    /** Scores by key width 4 of the activations, changed. */
    private record Changed(UnaryOperator<Tensor> ofKeys, UnaryOperator<Tensor> ofScores)
            implements Scorer, ScorerConfig {
        @Override
        public int keyWidth() {
            return 4;
        }

        @Override
        public Tensor keys(ScorerInput input) {
            return ofKeys.apply(slice(input.x(), 2, 0, 4));
        }

        @Override
        public Tensor score(ScorerInput input, Tensor keys) {
            int tokens = input.x().dim(1);
            return ofScores.apply(Backend.of(keys).tensors().zeros(Shape.of(1, tokens, keys.dim(1))));
        }

        @Override
        public ParameterMap parameters() {
            return ParameterMap.empty();
        }

        @Override
        public long parameterCount(Widths widths) {
            return 0;
        }

        @Override
        public Scorer init(Widths widths, Backend backend, RandomStream random) {
            return this;
        }
    }

    @Test
    void aCompressedLayerTakesNoCacheOfAnotherLayer() {
        CompressedAttentionConfig config = CompressedAttentionConfig.of(16, 2);
        CacheLayout own = config.cacheLayout();
        CacheLayout turned = new CacheLayout(
                new RowLayout(own.tokens().parts().reversed()), own.entries(), own.ratio(), own.reach());
        CacheLayout windowAlone = config.withRatio(0).cacheLayout();
        for (CacheLayout other : new CacheLayout[] {turned, windowAlone}) {
            try (KvCache cache = other.init(64)) {
                KvCacheException refusal = assertThrows(
                        KvCacheException.class,
                        () -> config.init(backend, RandomStream.of(1))
                                .forward(x, Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache))));
                assertEquals(KvCacheException.Reason.LAYOUT, refusal.reason());
                assertTrue(String.valueOf(refusal.getMessage()).contains("cacheLayout()"), refusal::toString);
                assertEquals(0, cache.length());
            }
        }
    }

    @Test
    void aCacheWhosePartsStandInAnotherOrderIsRefused() {
        LatentAttention layer = layer(TopK.of(2));
        var turned = layer.rowLayout().parts().reversed();
        try (KvCache cache = new ContiguousKvCache(new RowLayout(turned), 16)) {
            KvCacheException refusal = assertThrows(
                    KvCacheException.class,
                    () -> layer.forward(x, Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache))));
            assertEquals(KvCacheException.Reason.LAYOUT, refusal.reason());
            assertTrue(String.valueOf(refusal.getMessage()).contains("rowLayout()"));
            assertEquals(0, cache.length());
        }
    }
}
