package org.filigree.v4.context;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.filigree.v4.report.StepPlot;

/** What a scan leaves behind: {@code context.md} and a plot as SVG and PNG. */
public final class ContextReportFiles {
    /** Name of the report inside the folder of a run. */
    public static final String REPORT = "context.md";

    /** Name of the plot without its ending. */
    public static final String PLOT = "context";

    private ContextReportFiles() {}

    /** What is said of the times of a plan that {@linkplain ContextPlan#measures measures} nothing. */
    public static final String NO_MEASUREMENT =
            "No measurement: parts ran too briefly to be compiled. It shows that the command works, and nothing about its speed.";

    /**
     * Writes the report.
     *
     * @param folder where to, which exists
     * @param plan what was run
     * @param timings one for each length
     * @throws IOException if a file cannot be written
     */
    public static void write(Path folder, ContextPlan plan, List<ContextTiming> timings) throws IOException {
        Files.writeString(folder.resolve(REPORT), text(plan, timings));
        if (timings.size() > 1) {
            new StepPlot(
                            "A decode step of sparse attention",
                            timings.stream()
                                    .map(t -> new StepPlot.Point(
                                            t.tokens(), t.index(), t.select(), t.attend(), t.again()))
                                    .toList())
                    .write(folder, PLOT);
        }
    }

    private static String text(ContextPlan plan, List<ContextTiming> timings) {
        var text = new StringBuilder(String.format(
                Locale.ROOT,
                """
                # A decode step of sparse attention against the length of its context

                %d heads over a latent of 512 and a rotary key of 64, in pages of V32_FP8Sparse; %d chosen keys; an indexer of %d heads with \
                keys of 128 in FP8. Medians over whole steps with changing queries, %s seconds for each part; seed %d.

                - scores: of all keys by the indexer, which reads every key; "ns a key" is that time by the number of keys
                - choice: the largest scores
                - attention: over the chosen rows, after the scores of all keys have gone through the processor's caches
                - again: the same attention right after, its rows still in these caches; the difference is what fetching them took
                - step: scores, choice and attention together

                %s| tokens | scores | ns a key | choice | attention | of the shortest | again | of the shortest | step | cache |
                |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
                """,
                plan.heads(),
                plan.chosen(),
                plan.indexHeads(),
                plan.seconds() / 2,
                plan.seed(),
                plan.measures() ? "" : NO_MEASUREMENT + "\n\n"));
        for (ContextTiming t : timings) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %d | %.3f ms | %.1f | %.3f ms | %.3f ms | %.2f | %.3f ms | %.2f | %.3f ms | %.1f MB |%n",
                    t.tokens(),
                    1e3 * t.index(),
                    1e9 * t.index() / t.tokens(),
                    1e3 * t.select(),
                    1e3 * t.attend(),
                    t.attend() / timings.getFirst().attend(),
                    1e3 * t.again(),
                    t.again() / timings.getFirst().again(),
                    1e3 * t.step(),
                    1e-6 * t.bytes()));
        }
        return text.toString();
    }
}
