package org.filigree.attention.compressed;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;

import java.util.function.UnaryOperator;
import org.filigree.attention.IndexScores;
import org.filigree.attention.ScorerInput;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;

/** The asking side of an indexer: queries from compressed queries, weights of heads from activations, scaled by (heads·dim)^−½. */
final class IndexQueries {
    private final int heads;
    private final int dim;
    private final Linear queries;
    private final Linear weights;

    IndexQueries(int heads, int dim, SharedHeadConfig head, Backend backend, RandomStream random) {
        this.heads = heads;
        this.dim = dim;
        this.queries = LinearConfig.of(head.queryRank(), heads * dim).init(backend, random.fork("wq_b"));
        this.weights = LinearConfig.of(head.width(), heads).init(backend, random.fork("weights_proj"));
    }

    static long parameterCount(int heads, int dim, SharedHeadConfig head) {
        return (long) heads * dim * head.queryRank() + (long) heads * head.width();
    }

    /** Scores [batch, tokens, entries] of keys that were turned like the queries. */
    Tensor score(ScorerInput input, Tensor keys, UnaryOperator<Tensor> turned) {
        return IndexScores.of(turned.apply(queries(input)), weights(input), keys);
    }

    /** The same for one sequence whose keys lie in a cache: [1, tokens, rows]. */
    Tensor score(ScorerInput input, CacheRows keys, UnaryOperator<Tensor> turned) {
        Tensor q = CachedPass.withoutBatch(turned.apply(queries(input)));
        return insertAxis(IndexScores.of(q, CachedPass.withoutBatch(weights(input)), keys), 0);
    }

    private Tensor queries(ScorerInput input) {
        Tensor q = queries.forward(input.queryLatent());
        return reshape(q, q.dim(0), q.dim(1), heads, dim);
    }

    private Tensor weights(ScorerInput input) {
        return scale(weights.forward(input.x()), 1 / Math.sqrt((double) heads * dim));
    }

    ParameterMap parameters() {
        return ParameterMap.empty().with("wq_b", queries.parameters()).with("weights_proj", weights.parameters());
    }
}
