package org.filigree.v4.report;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JacksonException;

/**
 * Metrics of a run in {@code metrics.jsonl}, one JSON object a line, and at the end as a table in {@code metrics.csv}.
 *
 * <p>A line is handed to the operating system as a whole before {@link #append} returns, so it outlives the process. A
 * line cut short by a crash is dropped when the log is opened again. Not for use by several threads at once.
 */
public final class MetricsLog implements AutoCloseable {
    /** Name of the log inside its folder. */
    public static final String JSONL = "metrics.jsonl";

    /** Name of the table inside its folder. */
    public static final String CSV = "metrics.csv";

    private static final String CSV_HEADER =
            "kind,step,tokens,seconds,loss,learning_rate,gradient_norm,tokens_per_second,bits_per_byte,bytes\n";

    private final Path folder;
    private final OutputStream out;
    private final List<Metric> metrics;

    private MetricsLog(Path folder, OutputStream out, List<Metric> metrics) {
        this.folder = folder;
        this.out = out;
        this.metrics = metrics;
    }

    /**
     * Starts an empty log in a folder, in place of one that may be there.
     *
     * @param folder an existing folder
     * @return the log
     * @throws ReportException if the file cannot be written
     */
    public static MetricsLog create(Path folder) {
        return open(folder, List.of());
    }

    /**
     * Goes on with the log of an interrupted run: lines after the step that the run resumes from are dropped, as their
     * steps will be done again.
     *
     * @param folder folder of the run; a missing log counts as an empty one
     * @param step   step of the checkpoint
     * @return the log
     * @throws ReportException if the file cannot be read or written, or a line other than the last is damaged
     */
    public static MetricsLog resume(Path folder, long step) {
        return open(
                folder,
                read(folder).stream().filter(metric -> metric.step() <= step).toList());
    }

    /**
     * The metrics in a folder.
     *
     * @param folder folder of a run; a missing log counts as an empty one
     * @return every complete line
     * @throws ReportException if the file cannot be read, or a complete line is damaged
     */
    public static List<Metric> read(Path folder) {
        Path file = folder.resolve(JSONL);
        if (Files.notExists(file)) return List.of();
        var metrics = new ArrayList<Metric>();
        try {
            String text = Files.readString(file);
            int start = 0;
            for (int end; (end = text.indexOf('\n', start)) >= 0; start = end + 1) {
                metrics.add(ReportJson.MAPPER.readValue(text.substring(start, end), Metric.class));
            }
        } catch (IOException e) {
            throw new ReportException("cannot read %s: %s".formatted(file, e), e);
        } catch (JacksonException e) {
            throw new ReportException(
                    "%s: line %d is damaged: %s".formatted(file, metrics.size() + 1, e.getOriginalMessage()), e);
        }
        return metrics;
    }

    /**
     * Adds a line.
     *
     * @param metric what was measured
     * @throws ReportException if it cannot be written
     */
    public void append(Metric metric) {
        try {
            out.write(line(metric));
        } catch (IOException e) {
            throw new ReportException("cannot write %s: %s".formatted(folder.resolve(JSONL), e), e);
        }
        metrics.add(metric);
    }

    /**
     * What was logged so far, including what an interrupted run had logged before.
     *
     * @return a copy, in order
     */
    public List<Metric> metrics() {
        return List.copyOf(metrics);
    }

    /**
     * Writes {@code metrics.csv}: a row per line of the log, with empty cells for what a kind does not have.
     *
     * @throws ReportException if it cannot be written
     */
    public void writeCsv() {
        var table = new StringBuilder(CSV_HEADER);
        for (Metric metric : metrics) table.append(row(metric));
        ReportFile.write(folder.resolve(CSV), table.toString().getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw new ReportException("cannot close %s: %s".formatted(folder.resolve(JSONL), e), e);
        }
    }

    private static MetricsLog open(Path folder, List<Metric> kept) {
        Path file = folder.resolve(JSONL);
        var content = new ByteArrayOutputStream();
        for (Metric metric : kept) content.writeBytes(line(metric));
        ReportFile.write(file, content.toByteArray());
        try {
            return new MetricsLog(
                    folder, Files.newOutputStream(file, StandardOpenOption.APPEND), new ArrayList<>(kept));
        } catch (IOException e) {
            throw new ReportException("cannot write %s: %s".formatted(file, e), e);
        }
    }

    private static byte[] line(Metric metric) {
        return (ReportJson.MAPPER.writeValueAsString(metric) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private static String row(Metric metric) {
        return switch (metric) {
            case TrainMetric(var step, var tokens, var seconds, var loss, var rate, var norm, var speed) ->
                String.format(
                        Locale.ROOT, "train,%d,%d,%s,%s,%s,%s,%s,,\n", step, tokens, seconds, loss, rate, norm, speed);
            case ValidationMetric(var step, var tokens, var seconds, var bitsPerByte, var bytes) ->
                String.format(
                        Locale.ROOT, "validation,%d,%d,%s,,,,,%s,%d\n", step, tokens, seconds, bitsPerByte, bytes);
        };
    }
}
