package org.filigree.attention.compressed;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Hadamard.hadamard;
import static org.filigree.core.op.Reshape.reshape;

import org.filigree.attention.IndexScores;
import org.filigree.attention.ScorerInput;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.Rotary;
import org.filigree.core.tensor.Tensor;

/**
 * The indexer of DeepSeek-V4: {@link IndexScores} with w scaled by heads^−½·dim^−½, over keys from a compressor of its own. Queries
 * and keys have their <em>last</em> channels rotated in <em>interleaved</em> pairs, unlike V3.2's, with the angles of the attention
 * itself; then both are Hadamard transformed.
 *
 * <p>Parameters {@code wq_b.weight} [heads · dim, query rank], {@code weights_proj.weight} [heads, width], and those of
 * {@code compressor}.
 */
public final class CompressedIndexer implements EntryScorer {
    private final CompressedIndexerConfig config;
    private final int rotary;
    private final Linear queries;
    private final Linear weights;
    private final Compressor compressor;

    CompressedIndexer(
            CompressedIndexerConfig config, int rotary, Linear queries, Linear weights, Compressor compressor) {
        this.config = config;
        this.rotary = rotary;
        this.queries = queries;
        this.weights = weights;
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
        int batch = input.x().dim(0);
        int tokens = input.x().dim(1);
        Tensor q = reshape(queries.forward(input.queryLatent()), batch, tokens, config.heads(), config.dim());
        Tensor w = scale(weights.forward(input.x()), 1 / Math.sqrt((double) config.heads() * config.dim()));
        return IndexScores.of(turned(q, input.angles()), w, keys);
    }

    private Tensor turned(Tensor x, Rotary.Table angles) {
        return x.shape().size() == 0 ? x : config.rounding().round(hadamard(PartialRotation.rotate(x, rotary, angles)));
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty()
                .with("wq_b", queries.parameters())
                .with("weights_proj", weights.parameters())
                .with("compressor", compressor.parameters());
    }
}
