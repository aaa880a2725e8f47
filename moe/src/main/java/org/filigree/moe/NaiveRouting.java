package org.filigree.moe;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** {@link TopKRouting} of one token as plain loops in double, forward and backward to the logits: documentation and oracle. */
final class NaiveRouting {
    private static final double LEAST_SUM = 1e-20;

    private final TopKRouting rule;

    NaiveRouting(TopKRouting rule) {
        this.rule = rule;
    }

    /** One token's experts, best first, their weights, and all scores. */
    @SuppressWarnings("ArrayRecordComponent")
    record Choice(int[] experts, double[] weights, double[] scores) {}

    /** Routes one token; no bias is an empty array. */
    Choice forward(double[] logits, double[] bias) {
        double[] scores = scores(logits);
        double[] ranked = scores.clone();
        for (int e = 0; e < bias.length; e++) {
            ranked[e] += bias[e];
        }
        if (rule.keptGroups() < rule.groups()) {
            closeGroups(ranked, bias.length == 0 ? 1 : 2);
        }
        int[] experts = Arrays.copyOf(descending(ranked), rule.k());
        double[] weights = new double[rule.k()];
        double total = total(scores, experts);
        for (int i = 0; i < weights.length; i++) {
            weights[i] = rule.scale() * scores[experts[i]] / total;
        }
        return new Choice(experts, weights, scores);
    }

    /** Gradient of the logits from that of the weights. */
    double[] backward(double[] logits, Choice choice, double[] dWeights) {
        double[] scores = choice.scores;
        double[] dScores = new double[scores.length];
        double total = total(scores, choice.experts);
        double inner = 0;
        if (rule.weighting() == TopKRouting.Weighting.NORMALISED) {
            for (int i = 0; i < dWeights.length; i++) {
                inner += dWeights[i] * choice.weights[i] / total;
            }
        }
        for (int i = 0; i < dWeights.length; i++) {
            dScores[choice.experts[i]] += rule.scale() * dWeights[i] / total - inner;
        }
        double[] dLogits = new double[scores.length];
        double expected = 0;
        for (int e = 0; e < scores.length; e++) {
            expected += dScores[e] * scores[e];
        }
        for (int e = 0; e < scores.length; e++) {
            dLogits[e] = switch (rule.scoring()) {
                case SOFTMAX -> scores[e] * (dScores[e] - expected);
                case SIGMOID -> dScores[e] * scores[e] * (1 - scores[e]);
                case SQRT_SOFTPLUS -> dScores[e] / (1 + Math.exp(-logits[e])) / (2 * scores[e]);
            };
        }
        return dLogits;
    }

    private double total(double[] scores, int[] experts) {
        if (rule.weighting() == TopKRouting.Weighting.RAW) {
            return 1;
        }
        double total = LEAST_SUM;
        for (int e : experts) {
            total += scores[e];
        }
        return total;
    }

    private double[] scores(double[] logits) {
        double max = Arrays.stream(logits).max().orElse(0);
        double sum = Arrays.stream(logits).map(z -> Math.exp(z - max)).sum();
        return Arrays.stream(logits)
                .map(z -> switch (rule.scoring()) {
                    case SOFTMAX -> Math.exp(z - max) / sum;
                    case SIGMOID -> 1 / (1 + Math.exp(-z));
                    case SQRT_SOFTPLUS -> Math.sqrt(z > 20 ? z : Math.log1p(Math.exp(z)));
                })
                .toArray();
    }

    private void closeGroups(double[] ranked, int best) {
        int members = ranked.length / rule.groups();
        double[] strength = new double[rule.groups()];
        for (int g = 0; g < strength.length; g++) {
            double[] group = Arrays.copyOfRange(ranked, g * members, (g + 1) * members);
            int[] order = descending(group);
            for (int i = 0; i < Math.min(best, members); i++) {
                strength[g] += group[order[i]];
            }
        }
        int[] order = descending(strength);
        for (int i = rule.keptGroups(); i < order.length; i++) {
            Arrays.fill(ranked, order[i] * members, (order[i] + 1) * members, Double.NEGATIVE_INFINITY);
        }
    }

    /** Indices by descending value, ties to the lower index, NaN last. */
    private static int[] descending(double[] values) {
        return IntStream.range(0, values.length)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> Double.isNaN(values[i]))
                        .thenComparing(Comparator.comparingDouble((Integer i) -> values[i])
                                .reversed())
                        .thenComparing(Comparator.naturalOrder()))
                .mapToInt(Integer::intValue)
                .toArray();
    }
}
