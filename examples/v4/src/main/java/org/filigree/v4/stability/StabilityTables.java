package org.filigree.v4.stability;

import java.util.List;
import java.util.Locale;

/** The results as tables in Markdown. */
public final class StabilityTables {
    /** What the columns of {@link #ofStacks} say. */
    public static final String LEGEND_OF_STACKS = """
            - sub-layers: depth L of the stack.
            - connections: residual (one stream, x + F(x)), HC (hyper-connections, unconstrained), mHC (mixes doubly stochastic by \
            Sinkhorn–Knopp); "drawn" starts with drawn projections, the others as published.
            - bits/byte before, after: loss on held-out text, before the first step of training and after the last; lower is better. NaN: the \
            activations were not finite; training ends at the first step whose loss or gradients are not.
            - composite gain before, after: how much a product of mixes can amplify: activations through mixes 1…l (forward, the largest \
            row sum), gradients through mixes l…L (backward, the largest column sum); the largest over l for each held-out token, then the \
            mean over tokens. 1: nothing is amplified.
            - largest of one sub-layer, after: the same of single mixes, the largest over the sub-layers, forward · backward.
            """;

    /** What the columns of {@link #ofRandomLogits} say. */
    public static final String LEGEND_OF_RANDOM_LOGITS = """
            - logits: deviation: standard deviation of the normal logits that Sinkhorn–Knopp makes mixes of.
            - correlation through depth: of the same logit in two sub-layers; 1: all mixes of a composite are the same.
            - sub-layers: mixes in a composite.
            - iterations: of Sinkhorn–Knopp for each mix.
            - backward gain p50, p99, max: median, 99th percentile and largest over the composites; 1 if the iterations had come to an end.
            """;

    private StabilityTables() {}

    /**
     * Losses and composite gains, a row for every stack.
     *
     * @param plan what was run
     * @param results of it
     * @return head and rows
     */
    public static String ofStacks(StabilityPlan plan, List<StabilityResult> results) {
        var text = new StringBuilder();
        text.append("""
                | sub-layers | connections | bits/byte before | after | composite gain before, forward · backward | after, forward · backward | largest of one sub-layer, after |
                |--:|---|--:|--:|--:|--:|--:|
                """);
        for (StabilityResult result : results) {
            StabilityResult.Measured start = result.start();
            StabilityResult.Measured trained = result.trained();
            String note = result.steps() < plan.steps() ? " (not finite after step " + result.steps() + ")" : "";
            text.append(String.format(
                    Locale.ROOT,
                    "| %d | %s%s | %.3f | %.3f | %s · %s | %s · %s | %s · %s |%n",
                    result.depth(),
                    result.contender().name(),
                    note,
                    start.bitsPerByte(),
                    trained.bitsPerByte(),
                    gain(start.composite().forward()),
                    gain(start.composite().backward()),
                    gain(trained.composite().forward()),
                    gain(trained.composite().backward()),
                    gain(trained.single().forward()),
                    gain(trained.single().backward())));
        }
        return text.toString();
    }

    /**
     * Backward gains of products of mixes from random logits.
     *
     * @param cases what was drawn
     * @param gains of each case, in ascending order
     * @return head and rows
     */
    public static String ofRandomLogits(List<RandomLogits> cases, List<double[]> gains) {
        var text = new StringBuilder();
        text.append("""
                | logits: deviation | correlation through depth | sub-layers | iterations | backward gain p50 | p99 | max |
                |--:|--:|--:|--:|--:|--:|--:|
                """);
        for (int i = 0; i < cases.size(); i++) {
            RandomLogits one = cases.get(i);
            double[] sorted = gains.get(i);
            text.append(String.format(
                    Locale.ROOT,
                    "| %.0f | %.2f | %d | %d | %.3f | %.3f | %.3f |%n",
                    one.deviation(),
                    one.correlation(),
                    one.layers(),
                    one.iterations(),
                    quantile(sorted, 0.5),
                    quantile(sorted, 0.99),
                    quantile(sorted, 1)));
        }
        return text.toString();
    }

    private static double quantile(double[] sorted, double share) {
        return sorted[(int) Math.round(share * (sorted.length - 1))];
    }

    /** Few digits where the value is near 1 or moderate, a power of ten where it is large. */
    static String gain(double value) {
        return String.format(Locale.ROOT, value < 10 ? "%.3f" : value < 1e5 ? "%.0f" : "%.1e", value);
    }
}
