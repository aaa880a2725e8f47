package org.filigree.v4.report;

import java.util.Formatter;
import java.util.Locale;

/** Draws as SVG. Needs no fonts on the machine that writes it, and text stays text. */
final class SvgCanvas implements Canvas {
    private final Formatter out = new Formatter(Locale.ROOT);

    SvgCanvas() {
        out.format("""
                <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" \
                font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" fill="#%06x">
                <rect width="100%%" height="100%%" fill="#ffffff"/>
                """, Chart.WIDTH, Chart.HEIGHT, Chart.WIDTH, Chart.HEIGHT, Chart.TEXT_RGB);
    }

    /** The document. */
    String document() {
        return out + "</svg>\n";
    }

    @Override
    public void line(double fromX, double fromY, double toX, double toY, Ink ink) {
        out.format("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", fromX, fromY, toX, toY, stroke(ink));
    }

    @Override
    public void polyline(double[] x, double[] y, Ink ink) {
        out.format("<polyline fill=\"none\" stroke-linejoin=\"round\" %s points=\"", stroke(ink));
        for (int i = 0; i < x.length; i++) out.format("%s%.1f,%.1f", i == 0 ? "" : " ", x[i], y[i]);
        out.format("\"/>\n");
    }

    @Override
    public void dot(double x, double y, double radius, int rgb) {
        out.format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"#%06x\"/>\n", x, y, radius, rgb);
    }

    @Override
    public void box(double x, double y, double width, double height, Ink frame) {
        out.format(
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#ffffff\" %s/>\n",
                x, y, width, height, stroke(frame));
    }

    @Override
    public void text(double x, double y, String text, Lettering lettering) {
        String anchor = lettering.anchor().name().toLowerCase(Locale.ROOT);
        String weight = lettering.weight() == Lettering.Weight.BOLD ? " font-weight=\"bold\"" : "";
        String turn = lettering.turn() == Lettering.Turn.UPWARDS ? " rotate(-90)" : "";
        out.format(
                "<text transform=\"translate(%.1f %.1f)%s\" font-size=\"%d\" text-anchor=\"%s\"%s>%s</text>\n",
                x, y, turn, lettering.size(), anchor, weight, escape(text));
    }

    private static String stroke(Ink ink) {
        String dashes = ink.dashes() == Ink.Dashes.LONG
                ? String.format(Locale.ROOT, " stroke-dasharray=\"%.0f %.0f\"", Ink.DASH, Ink.GAP)
                : "";
        return String.format(Locale.ROOT, "stroke=\"#%06x\" stroke-width=\"%.1f\"%s", ink.rgb(), ink.width(), dashes);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
