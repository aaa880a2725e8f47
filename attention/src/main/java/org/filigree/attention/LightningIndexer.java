package org.filigree.attention;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Hadamard.hadamard;
import static org.filigree.core.op.LayerNorm.layerNorm;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.split;

import java.util.List;
import org.filigree.core.backend.kernel.RotaryKernel.Pairing;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.Rotary;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;

/**
 * The scorer of DeepSeek sparse attention (V3.2): score(p, j) = Σ_h w(p, h)·max(0, q(p, h)·k(j)), with w scaled by heads^−½·dim^−½.
 * Queries come from the compressed queries, the one key from the activations through a layer norm with bias; both have their
 * <em>first</em> channels rotated in <em>half-split</em> pairs, unlike the attention itself, and both are Hadamard transformed, which
 * leaves products as they are and spreads outliers before quantisation.
 *
 * <p>Parameters {@code wq_b.weight} [heads · dim, query latent], {@code wk.weight} [dim, width], {@code k_norm.weight} and
 * {@code k_norm.bias} [dim], {@code weights_proj.weight} [heads, width].
 */
public final class LightningIndexer implements Scorer {
    private final IndexerConfig config;
    private final int rotary;
    private final Linear queries;
    private final Linear key;
    private final Parameter normWeight;
    private final Parameter normBias;
    private final Linear weights;

    LightningIndexer(
            IndexerConfig config,
            int rotary,
            Linear queries,
            Linear key,
            Parameter normWeight,
            Parameter normBias,
            Linear weights) {
        this.config = config;
        this.rotary = rotary;
        this.queries = queries;
        this.key = key;
        this.normWeight = normWeight;
        this.normBias = normBias;
        this.weights = weights;
    }

    /** {@return its sizes} */
    public IndexerConfig config() {
        return config;
    }

    @Override
    public int keyWidth() {
        return config.dim();
    }

    @Override
    public Tensor keys(ScorerInput input) {
        Tensor k = layerNorm(key.forward(input.x()), normWeight.value(), normBias.value(), config.normEps());
        Tensor oneHead = reshape(k, k.dim(0), k.dim(1), 1, config.dim());
        return reshape(turned(oneHead, input.angles()), k.shape());
    }

    @Override
    public Tensor score(ScorerInput input, Tensor keys) {
        return IndexScores.of(queriesOf(input), weightsOf(input), keys);
    }

    @Override
    public Tensor score(ScorerInput input, CacheRows keys) {
        Tensor q = queriesOf(input);
        Tensor w = weightsOf(input);
        Tensor scores = IndexScores.of(reshape(q, q.dim(1), q.dim(2), q.dim(3)), reshape(w, w.dim(1), w.dim(2)), keys);
        return insertAxis(scores, 0);
    }

    private Tensor queriesOf(ScorerInput input) {
        Tensor q = queries.forward(input.queryLatent());
        return turned(reshape(q, q.dim(0), q.dim(1), config.heads(), config.dim()), input.angles());
    }

    private Tensor weightsOf(ScorerInput input) {
        return scale(weights.forward(input.x()), 1 / Math.sqrt((double) config.heads() * config.dim()));
    }

    /** Rotates the first channels of every head by position, transforms all, and rounds as a cache would. */
    private Tensor turned(Tensor x, Rotary.Table angles) {
        return config.rounding().round(hadamard(rotated(x, angles)));
    }

    private Tensor rotated(Tensor x, Rotary.Table angles) {
        if (rotary == config.dim()) {
            return angles.rotate(Pairing.HALF_SPLIT, x);
        }
        List<Tensor> parts = split(x, -1, rotary, config.dim() - rotary);
        return concat(-1, angles.rotate(Pairing.HALF_SPLIT, parts.get(0)), parts.get(1));
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty()
                .with("wq_b", queries.parameters())
                .with("wk", key.parameters())
                .with("k_norm.weight", normWeight)
                .with("k_norm.bias", normBias)
                .with("weights_proj", weights.parameters());
    }
}
