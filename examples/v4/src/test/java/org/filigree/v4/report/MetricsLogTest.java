package org.filigree.v4.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {
    @TempDir
    private Path folder;

    @Test
    void everyLineIsThereAsSoonAsItIsAppended() throws IOException {
        try (MetricsLog log = MetricsLog.create(folder)) {
            for (int step = 1; step <= 3; step++) {
                log.append(train(step));
                assertEquals(
                        step,
                        Files.readAllLines(folder.resolve(MetricsLog.JSONL)).size());
            }
            log.append(new ValidationMetric(3, 30, 1.5, 2.25, 1000));
            assertEquals(log.metrics(), MetricsLog.read(folder));
        }
        assertEquals(
                "{\"kind\":\"validation\",\"step\":3,\"tokens\":30,\"seconds\":1.5,\"bitsPerByte\":2.25,\"bytes\":1000}",
                Files.readAllLines(folder.resolve(MetricsLog.JSONL)).getLast());
    }

    @Test
    void resumingDropsLaterStepsAndALineCutShort() throws IOException {
        try (MetricsLog log = MetricsLog.create(folder)) {
            for (int step = 1; step <= 5; step++) log.append(train(step));
        }
        Files.writeString(folder.resolve(MetricsLog.JSONL), "{\"kind\":\"tra", StandardOpenOption.APPEND);
        try (MetricsLog log = MetricsLog.resume(folder, 3)) {
            assertEquals(List.of(train(1), train(2), train(3)), log.metrics());
            assertEquals(log.metrics(), MetricsLog.read(folder));
            log.append(train(4));
        }
        assertEquals(List.of(train(1), train(2), train(3), train(4)), MetricsLog.read(folder));
    }

    @Test
    void resumingWithoutALogStartsOne() {
        try (MetricsLog log = MetricsLog.resume(folder.resolve("."), 7)) {
            assertEquals(List.of(), log.metrics());
        }
    }

    @Test
    void creatingForgetsAnOlderRun() {
        try (MetricsLog log = MetricsLog.create(folder)) {
            log.append(train(1));
        }
        MetricsLog.create(folder).close();
        assertEquals(List.of(), MetricsLog.read(folder));
    }

    @Test
    void namesADamagedLine() throws IOException {
        try (MetricsLog log = MetricsLog.create(folder)) {
            log.append(train(1));
        }
        Files.writeString(folder.resolve(MetricsLog.JSONL), "{\"kind\":}\n", StandardOpenOption.APPEND);
        ReportException e = assertThrows(ReportException.class, () -> MetricsLog.read(folder));
        assertTrue(e.getMessage().contains("line 2"), e.getMessage());
        assertEquals(1, e.getMessage().lines().count());
    }

    @Test
    void keepsLossesThatAreNoNumbers() {
        var diverged = new TrainMetric(1, 10, 0.5, Double.NaN, 1e-3, Double.POSITIVE_INFINITY, 20);
        try (MetricsLog log = MetricsLog.create(folder)) {
            log.append(diverged);
        }
        assertEquals(List.of(diverged), MetricsLog.read(folder));
    }

    @Test
    void writesATable() throws IOException {
        try (MetricsLog log = MetricsLog.create(folder)) {
            log.append(train(1));
            log.append(new ValidationMetric(1, 10, 0.5, 2.25, 1000));
            log.writeCsv();
        }
        assertEquals(
                List.of(
                        "kind,step,tokens,seconds,loss,learning_rate,gradient_norm,tokens_per_second,bits_per_byte,bytes",
                        "train,1,10,0.5,3.5,0.001,1.25,20.0,,",
                        "validation,1,10,0.5,,,,,2.25,1000"),
                Files.readAllLines(folder.resolve(MetricsLog.CSV)));
        try (var files = Files.list(folder)) {
            assertEquals(2, files.count());
        }
    }

    @Test
    void namesTheFileThatCannotBeWritten() {
        ReportException e = assertThrows(ReportException.class, () -> MetricsLog.create(folder.resolve("missing")));
        assertTrue(e.getMessage().contains(MetricsLog.JSONL), e.getMessage());
    }

    private static TrainMetric train(int step) {
        return new TrainMetric(step, 10L * step, 0.5 * step, 3.5, 1e-3, 1.25, 20);
    }
}
