package org.filigree.attention.compressed;

import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Permute.permute;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.RmsNorm.rmsNorm;

import org.filigree.attention.AttentionInput;
import org.filigree.attention.SparseAttention;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.nn.Rotary;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** The parameters and products that all attention layers of the V4 family have in common; see {@link SharedHeadConfig}. */
final class SharedHead {
    private final SharedHeadConfig config;
    private final Linear queryDown;
    private final RmsNorm queryNorm;
    private final Linear queryUp;
    private final Linear keyValue;
    private final RmsNorm keyValueNorm;
    private final Parameter sinks;
    private final Linear outputDown;
    private final Linear outputUp;

    private SharedHead(
            SharedHeadConfig config,
            Linear queryDown,
            RmsNorm queryNorm,
            Linear queryUp,
            Linear keyValue,
            RmsNorm keyValueNorm,
            Parameter sinks,
            Linear outputDown,
            Linear outputUp) {
        this.config = config;
        this.queryDown = queryDown;
        this.queryNorm = queryNorm;
        this.queryUp = queryUp;
        this.keyValue = keyValue;
        this.keyValueNorm = keyValueNorm;
        this.sinks = sinks;
        this.outputDown = outputDown;
        this.outputUp = outputUp;
    }

    static SharedHead init(SharedHeadConfig config, Backend backend, RandomStream random) {
        int queries = config.heads() * config.head();
        int joined = config.groups() * config.outputRank();
        return new SharedHead(
                config,
                LinearConfig.of(config.width(), config.queryRank()).init(backend, random.fork("wq_a")),
                RmsNorm.init(backend, config.queryRank(), config.normEps()),
                LinearConfig.of(config.queryRank(), queries).init(backend, random.fork("wq_b")),
                LinearConfig.of(config.width(), config.head()).init(backend, random.fork("wkv")),
                RmsNorm.init(backend, config.head(), config.normEps()),
                Parameter.learned(backend.tensors().zeros(Shape.of(config.heads()))),
                LinearConfig.of(queries / config.groups(), joined).init(backend, random.fork("wo_a")),
                LinearConfig.of(joined, config.width()).init(backend, random.fork("wo_b")));
    }

    /**
     * What the tokens of a pass become.
     *
     * @param queryLatent compressed queries [batch, tokens, query rank]
     * @param queries [batch, tokens, heads, head], rotated
     * @param keyValue [batch, tokens, head], rotated
     */
    record Projected(Tensor queryLatent, Tensor queries, Tensor keyValue) {}

    Projected project(Tensor x, Rotary.Table angles) {
        Tensor latent = queryNorm.forward(queryDown.forward(x));
        Tensor q = reshape(queryUp.forward(latent), x.dim(0), x.dim(1), config.heads(), config.head());
        Tensor normed = switch (config.queryNorm()) {
            case PER_HEAD -> rmsNorm(q, config.normEps());
            case NONE -> q;
        };
        return new Projected(
                latent,
                PartialRotation.rotate(normed, config.rotary(), angles),
                PartialRotation.rotate(keyValueNorm.forward(keyValue.forward(x)), config.rotary(), angles));
    }

    /**
     * Attends and projects the result back: [batch, tokens, width]. A value carries the rotation of its key, and turning the sum back by the
     * query's own angle leaves the distance between the two.
     */
    Tensor attend(SparseAttention attention, Projected tokens, Rotary.Table angles, Tensor keys, Tensor indices) {
        Tensor mixed = attention
                .attend(AttentionInput.of(tokens.queries(), keys, indices).withSinks(sinks.value()))
                .output();
        return output(PartialRotation.rotate(mixed, config.rotary(), angles.inverse()));
    }

    /** Every group of heads has a first product of its own. */
    private Tensor output(Tensor heads) {
        int batch = heads.dim(0);
        int tokens = heads.dim(1);
        int groups = config.groups();
        int rank = config.outputRank();
        int share = config.heads() / groups * config.head();
        Tensor byGroup = reshape(
                permute(reshape(heads, batch, tokens, groups, share), 2, 0, 1, 3), groups, batch * tokens, share);
        Tensor down = matmulTransposed(byGroup, reshape(outputDown.weight().value(), groups, rank, share));
        Tensor joined = permute(reshape(down, groups, batch, tokens, rank), 1, 2, 0, 3);
        return outputUp.forward(reshape(joined, batch, tokens, groups * rank));
    }

    ParameterMap parameters() {
        return ParameterMap.empty()
                .with("attn_sink", sinks)
                .with("wq_a", queryDown.parameters())
                .with("q_norm", queryNorm.parameters())
                .with("wq_b", queryUp.parameters())
                .with("wkv", keyValue.parameters())
                .with("kv_norm", keyValueNorm.parameters())
                .with("wo_a", outputDown.parameters())
                .with("wo_b", outputUp.parameters());
    }
}
