package org.filigree.v4.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.filigree.v4.report.GainPlot.Point;
import org.filigree.v4.report.GainPlot.Role;
import org.filigree.v4.report.GainPlot.Series;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GainPlotTest {
    @TempDir
    Path folder;

    private static GainPlot plot(double last) {
        return new GainPlot(
                "gains",
                "gain",
                List.of(
                        new Series("residual", Role.RESIDUAL, List.of(new Point(8, 0.9999), new Point(128, 1))),
                        new Series("HC", Role.UNCONSTRAINED, List.of(new Point(8, 2), new Point(128, last)))));
    }

    @Test
    void bothAxesAreLogarithmic() {
        Chart chart = plot(3000).chart();
        assertEquals(
                List.of("8", "16", "32", "64", "128"),
                chart.xAxis().ticks().mapToObj(chart.xAxis()::label).toList());
        assertEquals(
                List.of("1", "10", "100", "1000", "1e4"),
                chart.yAxis().ticks().mapToObj(chart.yAxis()::label).toList());
        assertEquals(Chart.Corner.UPPER_LEFT, chart.legend());
    }

    @Test
    void hugeGainsAndNoneAtAllHaveFewTicks() {
        Chart huge = plot(1e25).chart();
        List<String> labels = huge.yAxis().ticks().mapToObj(huge.yAxis()::label).toList();
        assertTrue(labels.size() <= 11 && labels.contains("1e25"), labels::toString);
        assertTrue(huge.yAxis().high() >= 25, huge::toString);
        Chart diverged = plot(Double.NaN).chart();
        assertEquals(2, diverged.curves().size());
        assertTrue(diverged.yAxis().high() > diverged.yAxis().low());
    }

    @Test
    void writesTheVectorGraphicAtLeast() throws IOException {
        try {
            plot(3000).write(folder, "gains");
        } catch (ReportException e) {
            assertTrue(e.getMessage().contains("gains.png"), e.getMessage());
        }
        assertTrue(Files.readString(folder.resolve("gains.svg")).contains(">1000</text>"));
    }
}
