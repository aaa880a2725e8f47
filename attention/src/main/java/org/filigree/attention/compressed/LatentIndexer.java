package org.filigree.attention.compressed;

import org.filigree.attention.IndexScores;
import org.filigree.attention.Rounding;
import org.filigree.attention.ScorerInput;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.nn.Rotary;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;
import org.jspecify.annotations.Nullable;

/**
 * The indexer of DeepSeek-V4.1: {@link IndexScores} over keys RMS(Wk·latent), the latent neither rotated nor rounded. Queries and keys
 * have their last channels rotated in interleaved pairs; there is no Hadamard transform.
 *
 * <p>Parameters {@code wq_b.weight} [heads · dim, query rank], {@code weights_proj.weight} [heads, width], and where it makes keys
 * {@code wk.weight} [dim, head] and {@code k_norm.weight} [dim].
 */
public final class LatentIndexer implements EntryScorer {
    private final Rounding rounding;
    private final int rotary;
    private final IndexQueries queries;
    private final @Nullable Linear key;
    private final @Nullable RmsNorm keyNorm;

    LatentIndexer(
            Rounding rounding, int rotary, IndexQueries queries, @Nullable Linear key, @Nullable RmsNorm keyNorm) {
        this.rounding = rounding;
        this.rotary = rotary;
        this.queries = queries;
        this.key = key;
        this.keyNorm = keyNorm;
    }

    LatentIndexer withKeys(Linear projection, RmsNorm norm) {
        return new LatentIndexer(rounding, rotary, queries, projection, norm);
    }

    @Override
    public Tensor rows(Tensor x, int start) {
        return Backend.of(x).tensors().zeros(Shape.of(x.dim(0), x.dim(1), 0));
    }

    @Override
    public Tensor keys(NewEntries entries) {
        if (key == null || keyNorm == null) {
            throw new IllegalStateException("latent indexer: it asks for entries of another layer and makes no keys");
        }
        return turned(keyNorm.forward(key.forward(entries.latents())), entries.angles());
    }

    @Override
    public Tensor score(ScorerInput input, Tensor keys) {
        return queries.score(input, keys, q -> turned(q, input.angles()));
    }

    @Override
    public Tensor score(ScorerInput input, CacheRows keys) {
        return queries.score(input, keys, q -> turned(q, input.angles()));
    }

    private Tensor turned(Tensor x, Rotary.Table angles) {
        return x.shape().size() == 0 ? x : rounding.round(PartialRotation.rotate(x, rotary, angles));
    }

    @Override
    public ParameterMap parameters() {
        ParameterMap map = queries.parameters();
        return key == null || keyNorm == null
                ? map
                : map.with("wk", key.parameters()).with("k_norm", keyNorm.parameters());
    }
}
