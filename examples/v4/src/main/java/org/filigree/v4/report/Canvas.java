package org.filigree.v4.report;

/** What a chart is drawn on: a white sheet of {@link Chart#WIDTH} × {@link Chart#HEIGHT} units, y downwards. */
sealed interface Canvas permits SvgCanvas, BitmapCanvas {
    void line(double fromX, double fromY, double toX, double toY, Ink ink);

    void polyline(double[] x, double[] y, Ink ink);

    void dot(double x, double y, double radius, int rgb);

    /** A white box with a frame. */
    void box(double x, double y, double width, double height, Ink frame);

    void text(double x, double y, String text, Lettering lettering);
}
