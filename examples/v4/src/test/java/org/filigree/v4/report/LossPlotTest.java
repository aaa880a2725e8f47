package org.filigree.v4.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

class LossPlotTest {
    @TempDir
    private Path folder;

    @Test
    void drawsEveryCurveIntoTheVectorGraphic() throws Exception {
        writeSvgAtLeast(plot(60));
        Document svg = svg();
        assertEquals(5, svg.getElementsByTagName("polyline").getLength());
        assertEquals(6 + 1, svg.getElementsByTagName("circle").getLength());
        var texts = new ArrayList<String>();
        var nodes = svg.getElementsByTagName("text");
        for (int i = 0; i < nodes.getLength(); i++) texts.add(nodes.item(i).getTextContent());
        assertTrue(
                texts.containsAll(List.of(
                        "tiny <& friends>",
                        "training step",
                        "bits per byte",
                        "held-out files",
                        "byte bigram: 3.500",
                        "byte 5-gram: 2.125")),
                texts::toString);
    }

    @Test
    void drawsTheBitmapInTheColoursOfTheCurves() throws IOException {
        LossPlot plot = plot(60);
        try {
            plot.write(folder);
        } catch (ReportException e) {
            abort("no fonts to draw with: " + e.getMessage());
        }
        BufferedImage image = ImageIO.read(folder.resolve(LossPlot.PNG).toFile());
        assertNotNull(image);
        assertEquals(2 * Chart.WIDTH, image.getWidth());
        assertEquals(2 * Chart.HEIGHT, image.getHeight());
        for (Curve curve : plot.chart().curves()) {
            assertTrue(count(image, curve.look().ink().rgb()) > 100, curve.name());
        }
        assertTrue(count(image, 0xffffff) > image.getWidth() * image.getHeight() / 2);
    }

    @Test
    void drawsARunWithoutAStepOrAMeasurement() throws Exception {
        for (LossPlot plot : List.of(
                new LossPlot("empty", List.of(), List.of()),
                new LossPlot("levels", List.of(), List.of(new ReferenceLine("bigram", 3))),
                new LossPlot("one step", List.of(train(1, 5)), List.of()),
                new LossPlot("diverged", List.of(train(1, Double.NaN)), List.of()))) {
            writeSvgAtLeast(plot);
            assertEquals("svg", svg().getDocumentElement().getTagName());
        }
    }

    private Document svg() throws Exception {
        return DocumentBuilderFactory.newDefaultInstance()
                .newDocumentBuilder()
                .parse(folder.resolve(LossPlot.SVG).toFile());
    }

    /** The vector graphic must be there even where a machine has no fonts for the bitmap. */
    private void writeSvgAtLeast(LossPlot plot) throws IOException {
        Files.deleteIfExists(folder.resolve(LossPlot.SVG));
        try {
            plot.write(folder);
        } catch (ReportException e) {
            assertTrue(e.getMessage().contains(LossPlot.PNG), e.getMessage());
        }
        assertTrue(Files.exists(folder.resolve(LossPlot.SVG)));
    }

    private static LossPlot plot(int steps) {
        var metrics = new ArrayList<Metric>();
        for (int step = 1; step <= steps; step++) {
            metrics.add(train(step, 2 + 3.0 / step));
            if (step % 10 == 0) metrics.add(new ValidationMetric(step, step, step, 3 + 4.0 / step, 1000));
        }
        return new LossPlot(
                "tiny <& friends>",
                metrics,
                List.of(new ReferenceLine("byte bigram", 3.5), new ReferenceLine("byte 5-gram", 2.125)));
    }

    private static TrainMetric train(int step, double loss) {
        return new TrainMetric(step, step, step, loss, 1e-3, 1, 1);
    }

    private static int count(BufferedImage image, int rgb) {
        int count = 0;
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                if ((image.getRGB(x, y) & 0xffffff) == rgb) count++;
            }
        }
        return count;
    }
}
