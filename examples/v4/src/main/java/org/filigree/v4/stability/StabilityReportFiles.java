package org.filigree.v4.stability;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;

/** What a run leaves behind: {@code stability.md} and two plots, each as SVG and PNG. */
public final class StabilityReportFiles {
    /** Name of the report inside the folder of a run. */
    public static final String REPORT = "stability.md";

    /** Name of the forward plot without its ending. */
    public static final String FORWARD = "stability-forward";

    /** Name of the backward plot without its ending. */
    public static final String BACKWARD = "stability-backward";

    /** Of the released models: 30 blocks of two sub-layers. */
    private static final int LAYERS = 60;

    private static final int ITERATIONS = 20;
    private static final double DEVIATION = 4;

    private StabilityReportFiles() {}

    /**
     * Writes what is known while stacks are still to come, so that a run that is stopped has not been for nothing.
     *
     * @param folder where to, which exists
     * @param plan what is run
     * @param soFar results of it, at least one
     * @throws IOException if a file cannot be written
     */
    public static void write(Path folder, StabilityPlan plan, List<StabilityResult> soFar) throws IOException {
        write(folder, soFar, stacks(plan, soFar));
    }

    /**
     * Writes the report.
     *
     * @param folder where to, which exists
     * @param plan what was run
     * @param results of it
     * @param backend on which mixes of random logits are computed
     * @throws IOException if a file cannot be written
     */
    public static void write(Path folder, StabilityPlan plan, List<StabilityResult> results, Backend backend)
            throws IOException {
        write(folder, results, stacks(plan, results) + randomLogits(plan, backend));
    }

    private static void write(Path folder, List<StabilityResult> results, String text) throws IOException {
        Files.writeString(folder.resolve(REPORT), text);
        StabilityPlots.forward(results).write(folder, FORWARD);
        StabilityPlots.backward(results).write(folder, BACKWARD);
    }

    private static String stacks(StabilityPlan plan, List<StabilityResult> results) {
        return String.format(
                        Locale.ROOT,
                        """
                        # Composite gain of residual mixes

                        %d streams of width %d; token mixing and feed-forward sub-layers in turn; %d steps of %d × %d bytes, AdamW with a rate \
                        of at most %s, gradients clipped to norm 1; seed %d. "Drawn": projections drawn so that their results are standard \
                        normal, α = %s; otherwise projections start at 0 and α at 0.01. Composite gain: the largest over all l of the products \
                        of mixes 1…l (forward) and l…L (backward), for each token of held-out text, then averaged.

                        """,
                        plan.streams(),
                        plan.width(),
                        plan.steps(),
                        plan.batch(),
                        plan.length(),
                        plan.rate(),
                        plan.seed(),
                        plan.factor())
                + StabilityTables.ofStacks(plan, results)
                + "\n"
                + StabilityTables.LEGEND_OF_STACKS;
    }

    private static String randomLogits(StabilityPlan plan, Backend backend) {
        var cases = new ArrayList<RandomLogits>();
        for (double correlation : new double[] {0, 0.9, 0.95, 1}) {
            cases.add(new RandomLogits(plan.streams(), LAYERS, ITERATIONS, DEVIATION, correlation));
        }
        cases.add(new RandomLogits(plan.streams(), LAYERS, 5 * ITERATIONS, DEVIATION, 0.95));
        RandomStream random = RandomStream.of(plan.seed()).fork("logits");
        List<double[]> gains = cases.stream()
                .map(one -> one.backwardGains(backend, random, plan.composites()))
                .toList();
        return "\nMixes of random logits, without a network: what " + ITERATIONS
                + " iterations leave unfinished, over " + plan.composites() + " composites.\n\n"
                + StabilityTables.ofRandomLogits(cases, gains)
                + "\n"
                + StabilityTables.LEGEND_OF_RANDOM_LOGITS;
    }
}
