package org.filigree.v4.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Time of the parts of a decode step over the length of its context, both on logarithmic scales.
 *
 * @param title headline
 * @param points in order of length, at least two
 */
public record StepPlot(String title, List<Point> points) {
    /** Copies the list. */
    public StepPlot {
        points = List.copyOf(points);
    }

    /**
     * One length.
     *
     * @param tokens of the context
     * @param index seconds for the scores of all keys
     * @param select seconds for the largest of them
     * @param attend seconds for attention over the chosen
     * @param again seconds for the same attention right after
     */
    public record Point(int tokens, double index, double select, double attend, double again) {}

    /**
     * Writes {@code <name>.svg}, which needs nothing from the machine, then {@code <name>.png}, which needs fonts.
     *
     * @param folder where to
     * @param name of both files
     * @throws ReportException if a file cannot be written, or Java finds no fonts to draw the bitmap with; the SVG is
     *                         there in that case
     */
    public void write(Path folder, String name) {
        ChartFile.write(folder, name + ".svg", name + ".png", chart());
    }

    Chart chart() {
        var curves = new ArrayList<Curve>();
        curves.add(curve("scores of all keys", Point::index, CurveLook.DOTTED));
        curves.add(curve("choice of the largest", Point::select, CurveLook.THIRD_DOTTED));
        curves.add(curve("attention over the chosen", Point::attend, CurveLook.SECOND_DOTTED));
        curves.add(curve("the same once again", Point::again, CurveLook.FOURTH_DOTTED));
        return Chart.ofLogarithms(title, "tokens of context", "milliseconds", curves);
    }

    private Curve curve(String name, ToDoubleFunction<Point> seconds, CurveLook look) {
        return Curve.of(
                name,
                points.stream()
                        .mapToDouble(point -> Math.log(point.tokens()) / Math.log(2))
                        .toArray(),
                points.stream()
                        .mapToDouble(point -> Math.log10(1e3 * seconds.applyAsDouble(point)))
                        .toArray(),
                look);
    }
}
