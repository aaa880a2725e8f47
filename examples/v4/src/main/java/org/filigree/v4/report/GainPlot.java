package org.filigree.v4.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Gain over depth, both on logarithmic scales.
 *
 * @param title headline
 * @param yTitle which gain
 * @param series what to draw, at most one for each role
 */
public record GainPlot(String title, String yTitle, List<Series> series) {
    /** Copies the list. */
    public GainPlot {
        series = List.copyOf(series);
    }

    /** Whose gains they are, which decides how they are drawn. */
    public enum Role {
        /** What everything is compared with. */
        RESIDUAL,
        /** Unconstrained, after training. */
        UNCONSTRAINED,
        /** Constrained, after training. */
        CONSTRAINED,
        /** Unconstrained from the other start, after training. */
        UNCONSTRAINED_DRAWN,
        /** Constrained from the other start, after training. */
        CONSTRAINED_DRAWN,
        /** Unconstrained from the other start, before training. */
        UNCONSTRAINED_START,
        /** Constrained from the other start, before training. */
        CONSTRAINED_START
    }

    /**
     * One curve.
     *
     * @param name entry in the legend
     * @param role whose
     * @param points in order of depth
     */
    public record Series(String name, Role role, List<Point> points) {
        /** Copies the list. */
        public Series {
            points = List.copyOf(points);
        }
    }

    /**
     * One measurement.
     *
     * @param depth sub-layers
     * @param gain composite gain; left out if it is not finite
     */
    public record Point(int depth, double gain) {}

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
        for (Series one : series) {
            curves.add(Curve.of(
                    one.name(),
                    one.points().stream()
                            .mapToDouble(point -> Math.log(point.depth()) / Math.log(2))
                            .toArray(),
                    one.points().stream()
                            .mapToDouble(point -> Math.log10(point.gain()))
                            .toArray(),
                    look(one.role())));
        }
        curves.removeIf(curve -> curve.x().length == 0);
        return Chart.ofLogarithms(title, "sub-layers", yTitle, curves);
    }

    private static CurveLook look(Role role) {
        return switch (role) {
            case RESIDUAL -> CurveLook.FIRST_LEVEL;
            case UNCONSTRAINED -> CurveLook.DOTTED;
            case CONSTRAINED -> CurveLook.SECOND_DOTTED;
            case UNCONSTRAINED_DRAWN -> CurveLook.THIRD_DOTTED;
            case CONSTRAINED_DRAWN -> CurveLook.FOURTH_DOTTED;
            case UNCONSTRAINED_START -> CurveLook.THIRD_START;
            case CONSTRAINED_START -> CurveLook.FOURTH_START;
        };
    }
}
