package org.filigree.v4.report;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.DoubleStream;

/**
 * Curves in one pair of axes, with a legend in a corner.
 *
 * @param title  headline
 * @param xTitle name of the horizontal axis, with unit
 * @param yTitle name of the vertical axis, with unit
 * @param xAxis  horizontal range
 * @param yAxis  vertical range
 * @param curves curves with at least one point each, the first one behind
 * @param legend where the legend is
 */
record Chart(String title, String xTitle, String yTitle, Axis xAxis, Axis yAxis, List<Curve> curves, Corner legend) {
    /** Where nothing is drawn. */
    enum Corner {
        /** For curves that fall. */
        UPPER_RIGHT,
        /** For curves that rise. */
        UPPER_LEFT
    }

    static final int WIDTH = 1000;
    static final int HEIGHT = 600;
    static final int TEXT_RGB = 0x333333;

    private static final int LEFT = 84;
    private static final int RIGHT = 32;
    private static final int TOP = 64;
    private static final int BOTTOM = 76;
    private static final int PLOT_WIDTH = WIDTH - LEFT - RIGHT;
    private static final int PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;
    private static final int LEGEND_ROW = 25;
    private static final int LEGEND_WIDTH = 250;
    private static final int LEGEND_PADDING = 8;
    private static final double DOT = 4;

    private static final Ink GRID = new Ink(0xe6e6e6, 1, Ink.Dashes.NONE);
    private static final Ink AXIS = new Ink(0x8a8a8a, 1, Ink.Dashes.NONE);
    private static final Ink FRAME = new Ink(0xcccccc, 1, Ink.Dashes.NONE);

    static Chart of(String title, String xTitle, String yTitle, List<Curve> curves) {
        return new Chart(
                title,
                xTitle,
                yTitle,
                axis(curves, Curve::x, 10),
                axis(curves, Curve::y, 10),
                List.copyOf(curves),
                Corner.UPPER_RIGHT);
    }

    /** A chart of logarithms: x to base two, y to base ten. */
    static Chart ofLogarithms(String title, String xTitle, String yTitle, List<Curve> curves) {
        return new Chart(
                title,
                xTitle,
                yTitle,
                exponents(curves, Curve::x, Axis.Labels.POWERS_OF_TWO),
                exponents(curves, Curve::y, Axis.Labels.POWERS_OF_TEN),
                List.copyOf(curves),
                Corner.UPPER_LEFT);
    }

    void draw(Canvas canvas) {
        canvas.text(
                LEFT + PLOT_WIDTH / 2.0,
                38,
                title,
                new Lettering(20, Lettering.Weight.BOLD, Lettering.Anchor.MIDDLE, Lettering.Turn.NONE));
        drawAxes(canvas);
        for (Curve curve : curves) drawCurve(canvas, curve);
        drawLegend(canvas);
    }

    private void drawAxes(Canvas canvas) {
        double bottom = TOP + PLOT_HEIGHT;
        yAxis.ticks().forEach(tick -> {
            canvas.line(LEFT, y(tick), LEFT + PLOT_WIDTH, y(tick), GRID);
            canvas.text(LEFT - 10, y(tick) + 5, yAxis.label(tick), Lettering.plain(14, Lettering.Anchor.END));
        });
        xAxis.ticks().forEach(tick -> {
            canvas.line(x(tick), bottom, x(tick), bottom + 6, AXIS);
            canvas.text(x(tick), bottom + 24, xAxis.label(tick), Lettering.plain(14, Lettering.Anchor.MIDDLE));
        });
        canvas.line(LEFT, bottom, LEFT + PLOT_WIDTH, bottom, AXIS);
        canvas.line(LEFT, TOP, LEFT, bottom, AXIS);
        canvas.text(LEFT + PLOT_WIDTH / 2.0, HEIGHT - 22, xTitle, Lettering.plain(16, Lettering.Anchor.MIDDLE));
        canvas.text(
                28,
                TOP + PLOT_HEIGHT / 2.0,
                yTitle,
                new Lettering(16, Lettering.Weight.PLAIN, Lettering.Anchor.MIDDLE, Lettering.Turn.UPWARDS));
    }

    private void drawCurve(Canvas canvas, Curve curve) {
        double[] x = Arrays.stream(curve.x()).map(this::x).toArray();
        double[] y = Arrays.stream(curve.y()).map(this::y).toArray();
        Ink ink = curve.look().ink();
        canvas.polyline(x, y, ink);
        if (!curve.look().hasDots()) return;
        for (int i = 0; i < x.length; i++) canvas.dot(x[i], y[i], DOT, ink.rgb());
    }

    private void drawLegend(Canvas canvas) {
        double left = legend == Corner.UPPER_RIGHT ? LEFT + PLOT_WIDTH - LEGEND_WIDTH : LEFT + LEGEND_PADDING;
        double height = curves.size() * LEGEND_ROW + 2.0 * LEGEND_PADDING;
        canvas.box(left, TOP, LEGEND_WIDTH, height, FRAME);
        for (int i = 0; i < curves.size(); i++) {
            double middle = TOP + LEGEND_PADDING + LEGEND_ROW * (i + 0.5);
            CurveLook look = curves.get(i).look();
            canvas.line(left + 12, middle, left + 51, middle, look.ink());
            if (look.hasDots()) canvas.dot(left + 31.5, middle, DOT, look.ink().rgb());
            canvas.text(left + 62, middle + 5, curves.get(i).name(), Lettering.plain(14, Lettering.Anchor.START));
        }
    }

    private double x(double value) {
        return LEFT + xAxis.fraction(value) * PLOT_WIDTH;
    }

    private double y(double value) {
        return TOP + (1 - yAxis.fraction(value)) * PLOT_HEIGHT;
    }

    private static Axis axis(List<Curve> curves, Function<Curve, double[]> values, int mostTicks) {
        double low = all(curves, values).min().orElse(0);
        double high = all(curves, values).max().orElse(1);
        return Axis.around(low, high, mostTicks);
    }

    private static Axis exponents(List<Curve> curves, Function<Curve, double[]> values, Axis.Labels labels) {
        double low = all(curves, values).min().orElse(0);
        double high = all(curves, values).max().orElse(1);
        return Axis.ofExponents(low, high, 10, labels);
    }

    private static DoubleStream all(List<Curve> curves, Function<Curve, double[]> values) {
        return curves.stream().map(values).flatMapToDouble(DoubleStream::of);
    }
}
