package org.filigree.v4.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The course of a run: training loss of each step and smoothed, measurements on held-out files, and the levels that
 * baselines reach there. Training loss is drawn in bits per token, which on bytes are bits per byte.
 *
 * @param title      headline
 * @param metrics    lines of a metrics log
 * @param references levels to compare with
 */
public record LossPlot(String title, List<Metric> metrics, List<ReferenceLine> references) {
    /** Name of the bitmap inside the folder of a run. */
    public static final String PNG = "loss.png";

    /** Name of the vector graphic inside the folder of a run. */
    public static final String SVG = "loss.svg";

    /**
     * Copies the lists.
     */
    public LossPlot {
        metrics = List.copyOf(metrics);
        references = List.copyOf(references);
    }

    /**
     * Writes {@code loss.svg}, which needs nothing from the machine, then {@code loss.png}, which needs fonts.
     *
     * @param folder folder of the run
     * @throws ReportException if a file cannot be written, or Java finds no fonts to draw the bitmap with; the SVG is
     *                         there in that case
     */
    public void write(Path folder) {
        ChartFile.write(folder, SVG, PNG, chart());
    }

    Chart chart() {
        List<TrainMetric> train = only(TrainMetric.class);
        List<ValidationMetric> validation = only(ValidationMetric.class);
        var curves = new ArrayList<Curve>();
        Curve steps = Curve.of(
                "training, each step",
                train.stream().mapToDouble(TrainMetric::step).toArray(),
                train.stream()
                        .mapToDouble(metric -> metric.loss() / Math.log(2))
                        .toArray(),
                CurveLook.FAINT);
        curves.add(steps.thinned());
        curves.add(steps.smoothed("training, smoothed", CurveLook.STRONG).thinned());
        curves.add(Curve.of(
                "held-out files",
                validation.stream().mapToDouble(ValidationMetric::step).toArray(),
                validation.stream().mapToDouble(ValidationMetric::bitsPerByte).toArray(),
                CurveLook.DOTTED));
        double lastStep = metrics.stream().mapToLong(Metric::step).max().orElse(1);
        for (int i = 0; i < references.size(); i++) {
            ReferenceLine reference = references.get(i);
            curves.add(Curve.of(
                    String.format(Locale.ROOT, "%s: %.3f", reference.name(), reference.bitsPerByte()),
                    new double[] {0, lastStep},
                    new double[] {reference.bitsPerByte(), reference.bitsPerByte()},
                    CurveLook.ofLevel(i)));
        }
        curves.removeIf(curve -> curve.x().length == 0);
        return Chart.of(title, "training step", "bits per byte", curves);
    }

    private <M extends Metric> List<M> only(Class<M> kind) {
        return metrics.stream().filter(kind::isInstance).map(kind::cast).toList();
    }
}
