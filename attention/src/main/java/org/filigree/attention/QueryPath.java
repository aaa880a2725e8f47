package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;

/** The layers of a {@link QueryProjection}. */
sealed interface QueryPath {
    /** [batch, tokens, width] to [batch, tokens, query latent]. */
    Tensor latent(Tensor x);

    /** [batch, tokens, query latent] to [batch, tokens, heads · query width]. */
    Tensor queries(Tensor latent);

    ParameterMap parameters();

    record Direct(Linear project) implements QueryPath {
        @Override
        public Tensor latent(Tensor x) {
            return x;
        }

        @Override
        public Tensor queries(Tensor latent) {
            return project.forward(latent);
        }

        @Override
        public ParameterMap parameters() {
            return ParameterMap.empty().with("q_proj", project.parameters());
        }
    }

    record Compressed(Linear down, RmsNorm norm, Linear up) implements QueryPath {
        @Override
        public Tensor latent(Tensor x) {
            return norm.forward(down.forward(x));
        }

        @Override
        public Tensor queries(Tensor latent) {
            return up.forward(latent);
        }

        @Override
        public ParameterMap parameters() {
            return ParameterMap.empty()
                    .with("q_a_proj", down.parameters())
                    .with("q_a_layernorm", norm.parameters())
                    .with("q_b_proj", up.parameters());
        }
    }

    static QueryPath init(LatentAttentionConfig config, Backend backend, RandomStream random) {
        int outputs = config.heads() * config.head().query();
        return switch (config.query()) {
            case QueryProjection.Direct() ->
                new Direct(LinearConfig.of(config.width(), outputs).init(backend, random.fork("q_proj")));
            case QueryProjection.Compressed(int rank) ->
                new Compressed(
                        LinearConfig.of(config.width(), rank).init(backend, random.fork("q_a_proj")),
                        RmsNorm.init(backend, rank, config.normEps()),
                        LinearConfig.of(rank, outputs).init(backend, random.fork("q_b_proj")));
        };
    }
}
