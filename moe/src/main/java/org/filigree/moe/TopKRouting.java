package org.filigree.moe;

import static org.filigree.core.op.Affine.shift;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.divide;
import static org.filigree.core.op.Gather.gatherLast;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.ScatterAdd.scatterAddLast;
import static org.filigree.core.op.Select.select;
import static org.filigree.core.op.TopK.topK;

import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Affine;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The rule that turns logits into a choice of k experts and their weights: scores s = scoring(z); the choice is the k largest of
 * s + bias, ties to the lower index, among the experts of the kept groups; weights are the chosen s, never biased, divided by their sum
 * or not, times a scale.
 *
 * <p>A NaN ranks below every number. An expert with a NaN logit is thus chosen only where too few others are left, and then the weights
 * of that token are NaN: a NaN never passes for a number. Where the scoring is softmax, one NaN logit makes all scores of its token NaN.
 *
 * @param k experts for a token
 * @param scoring how logits become scores
 * @param groups number of equal groups of consecutive experts; 1 for no limit
 * @param keptGroups groups from which experts are chosen: those with the largest sum of their two best biased scores, or the
 *     largest best score where there is no bias
 * @param weighting whether the chosen scores are divided by their sum
 * @param scale factor of all weights
 */
public record TopKRouting(int k, Scoring scoring, int groups, int keptGroups, Weighting weighting, double scale) {
    /** Keeps the weights finite where every chosen score has vanished; V4.1 adds the same. No float32 sum of ordinary scores notices. */
    private static final double LEAST_SUM = 1e-20;

    /** What becomes of the chosen scores. */
    public enum Weighting {
        /** They are divided by their sum, so a token's weights sum to the scale. */
        NORMALISED,
        /** They are used as they are. */
        RAW
    }

    /** Checks the numbers. */
    public TopKRouting {
        Check.positive("routing: k", k);
        Check.positive("routing: groups", groups);
        Check.between("routing: keptGroups", keptGroups, 1, groups);
        Check.positive("routing: scale", scale);
    }

    /**
     * Without groups, weights that sum to 1, or raw ones for softmax.
     *
     * @param k experts for a token
     * @param scoring how logits become scores
     * @return the rule
     */
    public static TopKRouting of(int k, Scoring scoring) {
        return new TopKRouting(k, scoring, 1, 1, scoring == Scoring.SOFTMAX ? Weighting.RAW : Weighting.NORMALISED, 1);
    }

    /** {@return the rule of DeepSeek-V3: 8 experts by sigmoid, from 4 of 8 groups, scale 2.5} */
    public static TopKRouting v3() {
        return of(8, Scoring.SIGMOID).withGroups(8, 4).withScale(2.5);
    }

    /** {@return the rule of DeepSeek-V4: 6 experts by sqrt-softplus, scale 2.5 (Pro; Flash has 1.5)} */
    public static TopKRouting v4() {
        return of(6, Scoring.SQRT_SOFTPLUS).withScale(2.5);
    }

    /**
     * The same rule with another number of experts for a token.
     *
     * @param count how many
     * @return a new rule
     */
    public TopKRouting withK(int count) {
        return new TopKRouting(count, scoring, groups, keptGroups, weighting, scale);
    }

    /**
     * The same rule limited to the best groups.
     *
     * @param all number of groups
     * @param kept how many are kept
     * @return a new rule
     */
    public TopKRouting withGroups(int all, int kept) {
        return new TopKRouting(k, scoring, all, kept, weighting, scale);
    }

    /**
     * The same rule with another weighting.
     *
     * @param other whether the chosen scores are divided by their sum
     * @return a new rule
     */
    public TopKRouting withWeighting(Weighting other) {
        return new TopKRouting(k, scoring, groups, keptGroups, other, scale);
    }

    /**
     * The same rule with another scale.
     *
     * @param factor factor of all weights
     * @return a new rule
     */
    public TopKRouting withScale(double factor) {
        return new TopKRouting(k, scoring, groups, keptGroups, weighting, factor);
    }

    /**
     * Checks that the rule can be applied to a number of experts.
     *
     * @param experts how many experts there are
     * @throws IllegalArgumentException if they do not divide into the groups or the kept groups hold fewer than k
     */
    public void check(int experts) {
        Check.divides("routing: experts", experts, "groups", groups);
        int open = experts / groups * keptGroups;
        if (k > open) {
            throw new IllegalArgumentException("routing: k = " + k + " but only " + open + " experts can be chosen ("
                    + keptGroups + " of " + groups + " groups, " + experts + " experts); lower k or keep more groups");
        }
    }

    /**
     * Routes without bias.
     *
     * @param logits [tokens, experts]
     * @return the routing
     */
    public Routing route(Tensor logits) {
        return routed(logits, null);
    }

    /**
     * Routes with a bias.
     *
     * @param logits [tokens, experts]
     * @param bias [experts], added to the scores for the choice alone; no gradient reaches it
     * @return the routing
     */
    public Routing route(Tensor logits, Tensor bias) {
        return routed(logits, bias);
    }

    private Routing routed(Tensor logits, @Nullable Tensor bias) {
        Check.rank("routing", "logits", logits, 2);
        check(logits.dim(1));
        if (bias != null) {
            Check.shape("routing", "bias", bias, logits.dim(1));
        }
        Tensor scores = scoring.scores(logits);
        Tensor experts = Autograd.withoutGradients(() -> chosen(scores, bias));
        return new Routing(experts, weights(scores, experts), scores);
    }

    private Tensor chosen(Tensor scores, @Nullable Tensor bias) {
        Tensor ranked = Autograd.detach(scores);
        if (bias != null) {
            ranked = add(ranked, Autograd.detach(bias));
        }
        if (keptGroups < groups) {
            ranked = limited(ranked, bias == null ? 1 : 2);
        }
        return topK(ranked, k).indices();
    }

    private Tensor limited(Tensor ranked, int best) {
        int tokens = ranked.dim(0);
        int members = ranked.dim(1) / groups;
        Tensor grouped = reshape(ranked, tokens, groups, members);
        Tensor strength = sum(topK(grouped, Math.min(best, members)).values(), -1);
        Tensor kept = topK(strength, keptGroups).indices();
        var tensors = Backend.of(ranked).tensors();
        Tensor open = scatterAddLast(tensors.full(kept.shape(), 1), kept, groups);
        Tensor closed = tensors.full(Shape.of(1, 1, 1), Double.NEGATIVE_INFINITY);
        return reshape(select(insertAxis(open, -1), grouped, closed), ranked.shape());
    }

    /**
     * The weights of experts that were chosen by whatever means.
     *
     * @param scores [tokens, experts]
     * @param experts INT32 [tokens, k], −1 for none
     * @return [tokens, k]
     */
    public Tensor weights(Tensor scores, Tensor experts) {
        Tensor weights = gatherLast(scores, experts);
        if (weighting == Weighting.NORMALISED) {
            weights = divide(weights, insertAxis(shift(sum(weights, -1), LEAST_SUM), -1));
        }
        return scale == 1 ? weights : Affine.scale(weights, scale);
    }
}
