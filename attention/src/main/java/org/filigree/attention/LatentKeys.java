package org.filigree.attention;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.insertAxis;

import java.util.function.Function;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheEnd;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.KvCache;
import org.jspecify.annotations.Nullable;

/** What the queries of a {@link LatentAttention} may attend to. */
sealed interface LatentKeys {
    int count();

    /** What a scorer gives all keys, for any of the pass's tokens [batch, tokens, keys]; its own keys are made once. */
    Function<ScorerInput, Tensor> scoring(Scorer scorer, ScorerInput pass);

    /** Latent and rotary key of all at once, [batch, keys, latent + rotary]. */
    Tensor joined();

    /**
     * The keys of this pass's own tokens.
     *
     * @param latent [batch, keys, latent]
     * @param rotaryKey [batch, keys, rotary]
     */
    record Computed(Tensor latent, Tensor rotaryKey) implements LatentKeys {
        @Override
        public int count() {
            return latent.dim(1);
        }

        @Override
        public Tensor joined() {
            return concat(-1, latent, rotaryKey);
        }

        @Override
        public Function<ScorerInput, Tensor> scoring(Scorer scorer, ScorerInput pass) {
            Tensor keys = NounContract.keys(scorer.keys(pass), scorer, latent.dim(0), latent.dim(1));
            return asking -> NounContract.scores(scorer.score(asking, keys), scorer, asking, count());
        }
    }

    /**
     * The keys of one sequence that a cache holds, this pass's among them and none that were appended later. All rows are of one end.
     *
     * @param rows latents and rotary keys side by side, where they lie
     * @param latents latents alone
     * @param rotaryKeys rotary keys alone
     * @param scorerKeys the scorer's, null where it keeps none
     * @param backend of the pass
     */
    record Cached(
            CacheRows rows,
            CacheRows latents,
            CacheRows rotaryKeys,
            @Nullable CacheRows scorerKeys,
            Backend backend) implements LatentKeys {
        static Cached of(KvCache cache, CacheEnd end, boolean scored, Backend backend) {
            return new Cached(
                    cache.rows(end, LatentAttention.LATENT, LatentAttention.ROTARY_KEY),
                    cache.rows(end, LatentAttention.LATENT),
                    cache.rows(end, LatentAttention.ROTARY_KEY),
                    scored ? cache.rows(end, LatentAttention.SCORER_KEY) : null,
                    backend);
        }

        @Override
        public int count() {
            return rows.count();
        }

        /** Some latents, [1, count, latent]. */
        Tensor latents(int first, int count) {
            return SegmentedKeys.widened(latents, first, count, backend);
        }

        /** Some rotary keys, [1, count, rotary]. */
        Tensor rotaryKeys(int first, int count) {
            return SegmentedKeys.widened(rotaryKeys, first, count, backend);
        }

        @Override
        public Tensor joined() {
            return insertAxis(rows.tensor(backend), 0);
        }

        @Override
        public Function<ScorerInput, Tensor> scoring(Scorer scorer, ScorerInput pass) {
            if (scorerKeys == null) {
                Tensor none = backend.tensors().zeros(Shape.of(1, count(), 0));
                return asking -> NounContract.scores(scorer.score(asking, none), scorer, asking, count());
            }
            return asking -> NounContract.scores(scorer.score(asking, scorerKeys), scorer, asking, count());
        }
    }
}
