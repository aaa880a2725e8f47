package org.filigree.bench;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.filigree.attention.HeadWidths;
import org.filigree.attention.IndexScores;
import org.filigree.attention.LatentAttention;
import org.filigree.attention.LatentAttentionConfig;
import org.filigree.attention.LatentForm;
import org.filigree.attention.LogitScale;
import org.filigree.attention.QueryProjection;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.op.Affine;
import org.filigree.core.op.TopK;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;

/** Causal latent attention over a whole sequence, projections included, and what chooses keys for sparse attention. */
final class AttentionTable implements Table {
    private static final int TOKENS = 2048;
    private static final int WIDTH = 2048;
    private static final int HEADS = 16;
    private static final int LATENT = 512;
    private static final HeadWidths HEAD = new HeadWidths(128, 64, 128);
    /** Brings products of a few thousand terms in [−1, 1) back to about that size. */
    private static final double SHRINKING = 1.0 / 32;

    /** Products of up to 2048 terms that every result passes through: projection, logits, values, output. */
    private static final int SUMS = 4;

    private static final int INDEX_HEADS = 64;
    private static final int INDEX_DIM = 128;
    private static final int INDEX_KEYS = 65_536;

    @Override
    public String name() {
        return "attention";
    }

    @Override
    public String title() {
        return "Latent attention, " + HEADS + " heads of " + HEAD.content() + " + " + HEAD.rotary() + " / "
                + HEAD.value() + ", width " + WIDTH + ", latent " + LATENT + ", and choosing keys, float32";
    }

    @Override
    public List<Workload> rows() {
        return List.of(
                prefill(),
                prefillBothWays(),
                indexScores(1, INDEX_KEYS, List.of(new Target.TimesPeer(2.5))),
                indexScores(128, 4096, List.of()),
                topK(1 << 20, 2048));
    }

    /**
     * How far float32 results of sums of so many terms may differ: each sum rounds by about √terms · 2⁻²⁴ of its size, and what follows
     * takes that over.
     *
     * @param sums one after the other
     * @param size largest result
     */
    private static double rounding(int sums, int terms, double size) {
        return sums * Math.sqrt(terms) * 0x1p-24 * size;
    }

    private static double prefillFlops() {
        double projections = 2.0
                * TOKENS
                * (WIDTH * ((double) HEADS * HEAD.query() + LATENT + HEAD.rotary())
                        + (double) LATENT * HEADS * (HEAD.content() + HEAD.value())
                        + (double) HEADS * HEAD.value() * WIDTH);
        return projections + (double) TOKENS * TOKENS * HEADS * (HEAD.query() + HEAD.value());
    }

    private static Workload prefill() {
        return new Workload(
                "causal prefill [" + TOKENS + ", " + WIDTH + "]",
                prefillFlops(),
                0,
                rounding(SUMS, TOKENS, 1.2),
                List.of(new Target.TimesPeer(2)),
                "latent_attention",
                prefillSizes(),
                backend -> {
                    LatentAttention attention = attention(backend);
                    Tensor x = Inputs.tensor(backend, 1, 1, TOKENS, WIDTH);
                    return () -> Autograd.withoutGradients(() -> List.of(attention.forward(x, Context.inference())));
                });
    }

    private static Workload prefillBothWays() {
        return new Workload(
                "causal prefill, both ways [" + TOKENS + ", " + WIDTH + "]",
                3 * prefillFlops(),
                0,
                rounding(SUMS, TOKENS, 12),
                List.of(new Target.TimesPeer(2)),
                "latent_attention_gradient",
                prefillSizes(),
                AttentionTable::bothWays);
    }

    private static Work bothWays(Backend backend) {
        LatentAttention attention = attention(backend);
        Tensor x = Inputs.tensor(backend, 1, 1, TOKENS, WIDTH);
        Tensor upstream = Inputs.tensor(backend, 6, 1, TOKENS, WIDTH);
        List<String> paths = List.of(
                "q_proj.weight",
                "kv_a_proj_with_mqa.weight",
                "kv_a_layernorm.weight",
                "kv_b_proj.weight",
                "o_proj.weight");
        return () -> {
            Tensor leaf = Autograd.leaf(x);
            Tensor y = attention.forward(leaf, Context.training());
            Gradients gradients = Autograd.backward(y, upstream);
            Stream<Tensor> leaves =
                    paths.stream().map(path -> attention.parameters().get(path).value());
            return Stream.concat(
                            Stream.of(y), Stream.concat(Stream.of(leaf), leaves).map(gradients::of))
                    .toList();
        };
    }

    private static LatentAttention attention(Backend backend) {
        LatentAttention attention = LatentAttentionConfig.of(WIDTH, HEADS)
                .withHead(HEAD)
                .withQuery(new QueryProjection.Direct())
                .withLatent(LATENT)
                .withRotary(new Frequencies.Plain(10000), new LogitScale.InverseRoot())
                .withForm(LatentForm.EXPANDED)
                .init(backend, RandomStream.of(1));
        assign(attention, "q_proj.weight", 2, HEADS * HEAD.query(), WIDTH);
        assign(attention, "kv_a_proj_with_mqa.weight", 3, LATENT + HEAD.rotary(), WIDTH);
        assign(attention, "kv_b_proj.weight", 4, HEADS * (HEAD.content() + HEAD.value()), LATENT);
        assign(attention, "o_proj.weight", 5, WIDTH, HEADS * HEAD.value());
        return attention;
    }

    private static void assign(LatentAttention attention, String path, int seed, int... dims) {
        var parameter = attention.parameters().get(path);
        Backend backend = Backend.of(parameter.value());
        parameter.assign(Affine.scale(Inputs.tensor(backend, seed, dims), SHRINKING));
    }

    private static Map<String, Object> prefillSizes() {
        return Map.of(
                "tokens", TOKENS,
                "width", WIDTH,
                "heads", HEADS,
                "latent", LATENT,
                "content", HEAD.content(),
                "rotary", HEAD.rotary(),
                "value", HEAD.value());
    }

    private static Workload indexScores(int tokens, int keys, List<Target> targets) {
        return new Workload(
                "index scores [" + tokens + ", " + INDEX_HEADS + ", " + INDEX_DIM + "] × [" + keys + ", " + INDEX_DIM
                        + "]",
                2.0 * tokens * INDEX_HEADS * INDEX_DIM * keys,
                0,
                rounding(2, INDEX_DIM, 65),
                targets,
                "index_scores",
                Map.of("tokens", tokens, "heads", INDEX_HEADS, "dim", INDEX_DIM, "keys", keys),
                backend -> {
                    Tensor q = Inputs.tensor(backend, 1, 1, tokens, INDEX_HEADS, INDEX_DIM);
                    Tensor w = Inputs.tensor(backend, 2, 1, tokens, INDEX_HEADS);
                    Tensor k = Inputs.tensor(backend, 3, 1, keys, INDEX_DIM);
                    return () -> List.of(IndexScores.of(q, w, k));
                });
    }

    /** Values alone are compared: the peer breaks ties as it likes. */
    private static Workload topK(int n, int k) {
        return new Workload(
                "top " + k + " of " + n,
                0,
                4.0 * n,
                0,
                List.of(new Target.TimesPeer(3)),
                "top_k",
                Map.of("n", n, "k", k),
                backend -> {
                    Tensor scores = Inputs.tensor(backend, 1, 1, n);
                    return () -> List.of(TopK.topK(scores, k).values());
                });
    }
}
