package org.filigree.v4.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/** Draws into a bitmap with the fonts of the machine; needs no display. */
final class BitmapCanvas implements Canvas {
    /** Pixels per unit, so that text stays sharp on dense screens and in print. */
    private static final int SCALE = 2;

    private final BufferedImage image =
            new BufferedImage(SCALE * Chart.WIDTH, SCALE * Chart.HEIGHT, BufferedImage.TYPE_INT_RGB);
    private final Graphics2D graphics = image.createGraphics();

    BitmapCanvas() {
        graphics.scale(SCALE, SCALE);
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_FRACTIONALMETRICS, RenderingHints.VALUE_FRACTIONALMETRICS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, Chart.WIDTH, Chart.HEIGHT);
    }

    /** The bitmap as a PNG file. */
    byte[] png() throws IOException {
        var png = new ByteArrayOutputStream();
        ImageIO.write(image, "png", png);
        return png.toByteArray();
    }

    @Override
    public void line(double fromX, double fromY, double toX, double toY, Ink ink) {
        use(ink);
        graphics.draw(new Line2D.Double(fromX, fromY, toX, toY));
    }

    @Override
    public void polyline(double[] x, double[] y, Ink ink) {
        var path = new Path2D.Double();
        path.moveTo(x[0], y[0]);
        for (int i = 1; i < x.length; i++) path.lineTo(x[i], y[i]);
        use(ink);
        graphics.draw(path);
    }

    @Override
    public void dot(double x, double y, double radius, int rgb) {
        graphics.setColor(new Color(rgb));
        graphics.fill(new Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius));
    }

    @Override
    public void box(double x, double y, double width, double height, Ink frame) {
        var box = new Rectangle2D.Double(x, y, width, height);
        graphics.setColor(Color.WHITE);
        graphics.fill(box);
        use(frame);
        graphics.draw(box);
    }

    @Override
    public void text(double x, double y, String text, Lettering lettering) {
        int weight = lettering.weight() == Lettering.Weight.BOLD ? Font.BOLD : Font.PLAIN;
        graphics.setFont(new Font(Font.SANS_SERIF, weight, lettering.size()));
        graphics.setColor(new Color(Chart.TEXT_RGB));
        double width = graphics.getFontMetrics().getStringBounds(text, graphics).getWidth();
        double shift = switch (lettering.anchor()) {
            case START -> 0;
            case MIDDLE -> -width / 2;
            case END -> -width;
        };
        AffineTransform upright = graphics.getTransform();
        graphics.translate(x, y);
        if (lettering.turn() == Lettering.Turn.UPWARDS) graphics.rotate(-Math.PI / 2);
        graphics.drawString(text, (float) shift, 0);
        graphics.setTransform(upright);
    }

    private void use(Ink ink) {
        graphics.setColor(new Color(ink.rgb()));
        graphics.setStroke(
                ink.dashes() == Ink.Dashes.LONG
                        ? new BasicStroke(
                                ink.width(),
                                BasicStroke.CAP_BUTT,
                                BasicStroke.JOIN_ROUND,
                                1,
                                new float[] {Ink.DASH, Ink.GAP},
                                0)
                        : new BasicStroke(ink.width(), BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND));
    }
}
