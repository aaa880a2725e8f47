package org.filigree.attention.compressed;

import static org.filigree.core.op.Hadamard.hadamard;

import org.filigree.attention.IndexScores;
import org.filigree.attention.Rounding;
import org.filigree.attention.ScorerInput;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.Rotary;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;

/**
 * The indexer of DeepSeek-V4: {@link IndexScores} with w scaled by heads^−½·dim^−½, over keys from a compressor of its own. Queries
 * and keys have their <em>last</em> channels rotated in <em>interleaved</em> pairs, unlike V3.2's, with the angles of the attention
 * itself; then both are Hadamard transformed.
 *
 * <p>Parameters {@code wq_b.weight} [heads · dim, query rank], {@code weights_proj.weight} [heads, width], and those of
 * {@code compressor}.
 */
public final class CompressedIndexer implements EntryScorer {
    private final Rounding rounding;
    private final int rotary;
    private final IndexQueries queries;
    private final Compressor compressor;

    CompressedIndexer(Rounding rounding, int rotary, IndexQueries queries, Compressor compressor) {
        this.rounding = rounding;
        this.rotary = rotary;
        this.queries = queries;
        this.compressor = compressor;
    }

    @Override
    public Tensor rows(Tensor x, int start) {
        return compressor.rows(x, start);
    }

    @Override
    public Tensor keys(NewEntries entries) {
        return turned(compressor.pool(entries.rows(), entries.first()), entries.angles());
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
        return x.shape().size() == 0 ? x : rounding.round(hadamard(PartialRotation.rotate(x, rotary, angles)));
    }

    @Override
    public ParameterMap parameters() {
        return queries.parameters().with("compressor", compressor.parameters());
    }
}
