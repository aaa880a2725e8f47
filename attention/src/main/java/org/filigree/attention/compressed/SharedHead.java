package org.filigree.attention.compressed;

import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Permute.permute;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.RmsNorm.rmsNorm;

import java.util.List;
import org.filigree.attention.Attended;
import org.filigree.attention.AttentionInput;
import org.filigree.attention.CachedAttention;
import org.filigree.attention.CachedAttentionInput;
import org.filigree.attention.CachedDenseAttention;
import org.filigree.attention.CachedDenseInput;
import org.filigree.attention.DenseAttentionInput;
import org.filigree.attention.KeySpan;
import org.filigree.attention.ScaledDotProductAttention;
import org.filigree.attention.ScorerInput;
import org.filigree.attention.SparseAttention;
import org.filigree.core.autograd.Autograd;
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
import org.filigree.kvcache.CacheRows;

/** The parameters and products that all attention layers of the V4 family have in common; see {@link SharedHeadConfig}. */
final class SharedHead {
    private final SharedHeadConfig config;
    private final KeyValueRounding rounding;
    private final Rotary rotary;
    private final Linear queryDown;
    private final RmsNorm queryNorm;
    private final Linear queryUp;
    private final Linear keyValue;
    private final RmsNorm keyValueNorm;
    private final Parameter sinks;
    private final Linear outputDown;
    private final Linear outputUp;

    SharedHead(
            SharedHeadConfig config, Rotary rotary, KeyValueRounding rounding, Backend backend, RandomStream random) {
        int queries = config.heads() * config.head();
        int joined = config.groups() * config.outputRank();
        this.config = config;
        this.rotary = rotary;
        this.rounding = rounding;
        this.queryDown = LinearConfig.of(config.width(), config.queryRank()).init(backend, random.fork("wq_a"));
        this.queryNorm = RmsNorm.init(backend, config.queryRank(), config.normEps());
        this.queryUp = LinearConfig.of(config.queryRank(), queries).init(backend, random.fork("wq_b"));
        this.keyValue = LinearConfig.of(config.width(), config.head()).init(backend, random.fork("wkv"));
        this.keyValueNorm = RmsNorm.init(backend, config.head(), config.normEps());
        this.sinks = Parameter.learned(backend.tensors().zeros(Shape.of(config.heads())));
        this.outputDown = LinearConfig.of(queries / config.groups(), joined).init(backend, random.fork("wo_a"));
        this.outputUp = LinearConfig.of(joined, config.width()).init(backend, random.fork("wo_b"));
    }

    /**
     * What the tokens of a pass become.
     *
     * @param start position of the first
     * @param angles of each token's position
     * @param queries [batch, tokens, heads, head], rotated
     * @param keys [batch, tokens, head], rotated and rounded
     * @param scorerInput activations and compressed queries, cut off the graph
     */
    record Tokens(int start, Rotary.Table angles, Tensor queries, Tensor keys, ScorerInput scorerInput) {
        int count() {
            return queries.dim(1);
        }
    }

    Tokens project(Tensor x, int start) {
        Rotary.Table angles = rotary.table(Backend.of(x), start, x.dim(1));
        Tensor latent = queryNorm.forward(queryDown.forward(x));
        Tensor q = reshape(queryUp.forward(latent), x.dim(0), x.dim(1), config.heads(), config.head());
        Tensor normed = switch (config.queryNorm()) {
            case PER_HEAD -> rmsNorm(q, config.normEps());
            case NONE -> q;
        };
        Tensor keys = PartialRotation.rotate(keyValueNorm.forward(keyValue.forward(x)), config.rotary(), angles);
        return new Tokens(
                start,
                angles,
                PartialRotation.rotate(normed, config.rotary(), angles),
                rounding.ofWindow(keys, config.rotary()),
                new ScorerInput(Autograd.detach(x), Autograd.detach(latent), angles));
    }

    /** Angles of entries, each at the position of its first token. */
    Rotary.Table anglesOfEntries(Backend backend, Compression compression, int first, int entries) {
        return rotary.table(backend, first * compression.ratio(), compression.ratio(), entries);
    }

    /** Latents [batch, entries, head] as keys: rotated and rounded. */
    Tensor entryKeys(Tensor latents, Rotary.Table angles) {
        return rounding.ofEntries(PartialRotation.rotate(latents, config.rotary(), angles), config.rotary());
    }

    /** Keys that all stand at one position, rotated: [batch, keys, head]. */
    Tensor rotatedTo(int position, Tensor keys) {
        return PartialRotation.rotate(keys, config.rotary(), rotary.table(Backend.of(keys), position, 0, keys.dim(1)));
    }

    /** Attention to runs of keys [batch, keys, head]. */
    static Attended toSpan(Tokens tokens, Tensor keys, KeySpan span) {
        Tensor shared = insertAxis(keys, 2);
        return ScaledDotProductAttention.attend(
                new DenseAttentionInput(tokens.queries(), shared, shared, span, 1 / Math.sqrt(keys.dim(2)), null));
    }

    /** Attention to runs of entries; those of a cache are read where they lie, and never all at once. */
    static Attended toSpan(Tokens tokens, EntryKeys entries, KeySpan span) {
        return switch (entries) {
            case EntryKeys.Computed computed -> toSpan(tokens, computed.keys(), span);
            case EntryKeys.Cached cached -> {
                CacheRows rows = cached.rows();
                Attended one = CachedDenseAttention.attend(new CachedDenseInput(
                        CachedPass.withoutBatch(tokens.queries()),
                        rows,
                        rows.width(),
                        span,
                        1 / Math.sqrt(rows.width()),
                        null));
                yield new Attended(insertAxis(one.output(), 0), insertAxis(one.logSumExp(), 0));
            }
        };
    }

    /** Attention to chosen entries; those of a cache are read where they lie, and no others. */
    static Attended toChosen(SparseAttention attention, Tokens tokens, EntryKeys entries, Tensor indices) {
        if (entries instanceof EntryKeys.Cached cached && attention.equals(SparseAttention.cheaper())) {
            Attended one = CachedAttention.attend(new CachedAttentionInput(
                    CachedPass.withoutBatch(tokens.queries()),
                    cached.rows(),
                    cached.rows().width(),
                    CachedPass.withoutBatch(indices),
                    1 / Math.sqrt(cached.rows().width()),
                    null));
            return new Attended(insertAxis(one.output(), 0), insertAxis(one.logSumExp(), 0));
        }
        return attention.attend(AttentionInput.of(tokens.queries(), entries.keys(), indices));
    }

    /**
     * One softmax over all parts and the sinks, then the projection back: [batch, tokens, width]. A value carries the rotation of its
     * key; turning the sum back by the query's own angle leaves the distance between the two.
     */
    Tensor output(List<Attended> parts, Tokens tokens) {
        Tensor mixed = Attended.joined(parts, sinks.value()).output();
        Tensor heads =
                PartialRotation.rotate(mixed, config.rotary(), tokens.angles().inverse());
        int batch = heads.dim(0);
        int groups = config.groups();
        int rank = config.outputRank();
        int share = config.heads() / groups * config.head();
        Tensor byGroup = reshape(
                permute(reshape(heads, batch, tokens.count(), groups, share), 2, 0, 1, 3),
                groups,
                batch * tokens.count(),
                share);
        Tensor down = matmulTransposed(byGroup, reshape(outputDown.weight().value(), groups, rank, share));
        Tensor joined = permute(reshape(down, groups, batch, tokens.count(), rank), 1, 2, 0, 3);
        return outputUp.forward(reshape(joined, batch, tokens.count(), groups * rank));
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
