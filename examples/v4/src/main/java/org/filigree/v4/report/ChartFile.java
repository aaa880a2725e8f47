package org.filigree.v4.report;

import java.awt.AWTError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Writes a chart as a vector graphic, which needs nothing from the machine, then as a bitmap, which needs fonts. */
final class ChartFile {
    private ChartFile() {}

    static void write(Path folder, String svg, String png, Chart chart) {
        ReportFile.write(folder.resolve(svg), svg(chart));
        ReportFile.write(folder.resolve(png), png(folder.resolve(png), svg, chart));
    }

    private static byte[] svg(Chart chart) {
        var canvas = new SvgCanvas();
        chart.draw(canvas);
        return canvas.document().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] png(Path file, String svg, Chart chart) {
        try {
            var canvas = new BitmapCanvas();
            chart.draw(canvas);
            return canvas.png();
        } catch (IOException e) {
            throw new ReportException("cannot write %s: %s".formatted(file, e), e);
        } catch (RuntimeException | InternalError | AWTError | LinkageError e) {
            throw new ReportException(
                    "cannot draw %s: this Java finds no usable fonts or display (%s); install fontconfig and a font, or use %s"
                            .formatted(file, e, svg),
                    e);
        }
    }
}
