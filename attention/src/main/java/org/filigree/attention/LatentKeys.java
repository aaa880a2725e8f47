package org.filigree.attention;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Reshape.insertAxis;

import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.KvCache;

/** What the queries of a {@link LatentAttention} may attend to. */
sealed interface LatentKeys {
    int count();

    /** [batch, keys, latent]. */
    Tensor latent();

    /** [batch, keys, rotary]. */
    Tensor rotaryKey();

    /** What a scorer gives all keys, [batch, tokens, keys]. */
    Tensor scores(Scorer scorer, ScorerInput input);

    /** Latent and rotary key, [batch, keys, latent + rotary]. */
    default Tensor joined() {
        return concat(-1, latent(), rotaryKey());
    }

    /** The keys of this pass's own tokens. */
    record Computed(Tensor latent, Tensor rotaryKey) implements LatentKeys {
        @Override
        public int count() {
            return latent.dim(1);
        }

        @Override
        public Tensor scores(Scorer scorer, ScorerInput input) {
            return scorer.score(input, scorer.keys(input));
        }
    }

    /** The keys of one sequence that a cache holds, this pass's among them. */
    record Cached(KvCache cache, Backend backend) implements LatentKeys {
        @Override
        public int count() {
            return rows().count();
        }

        @Override
        public Tensor latent() {
            return insertAxis(cache.view(LatentAttention.LATENT, backend), 0);
        }

        @Override
        public Tensor rotaryKey() {
            return insertAxis(cache.view(LatentAttention.ROTARY_KEY, backend), 0);
        }

        @Override
        public Tensor scores(Scorer scorer, ScorerInput input) {
            return scorer.keyWidth() > 0
                    ? scorer.score(input, cache.rows(LatentAttention.SCORER_KEY))
                    : scorer.score(input, backend.tensors().zeros(Shape.of(1, count(), 0)));
        }

        /** Latent and rotary key where they lie. */
        CacheRows rows() {
            return cache.rows(LatentAttention.LATENT, LatentAttention.ROTARY_KEY);
        }
    }
}
