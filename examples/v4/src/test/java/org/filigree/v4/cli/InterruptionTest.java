package org.filigree.v4.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.filigree.v4.train.Trainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that trains and is told to end; by the signal that cannot be ignored by accident, which goes the way of Ctrl-C. */
@Timeout(60)
class InterruptionTest {
    @TempDir
    Path folder;

    @Test
    void aRunThatIsToldToEndSavesItsWork() throws Exception {
        Path sources = Files.createDirectories(folder.resolve("sources"));
        for (int i = 0; i < 20; i++) {
            Files.writeString(sources.resolve("N" + i + ".java"), "class N" + i + " {\n    int n = " + i + ";\n}\n");
        }
        Path out = folder.resolve("run");
        Process process = training(sources, out);
        String said;
        try (BufferedReader lines = process.inputReader()) {
            String line = lines.readLine();
            while (line != null && !line.startsWith("[")) {
                line = lines.readLine();
            }
            assertTrue(line != null, "it trains");
            assertTrue(process.supportsNormalTermination());
            // Not process.destroy(), which closes what is being read.
            assertTrue(process.toHandle().destroy());
            said = lines.lines().collect(Collectors.joining("\n"));
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        } finally {
            process.destroyForcibly();
        }
        assertTrue(said.contains("Stopped after step ") && said.contains("train --resume --out " + out), said);
        assertTrue(Trainer.resumable(out));
        assertTrue(Files.readString(out.resolve("manifest.json")).contains("\"interrupted\""));
        try (var files = Files.list(out)) {
            assertEquals(
                    0, files.filter(file -> file.toString().endsWith(".tmp")).count(), "nothing is half written");
        }
    }

    private static Process training(Path sources, Path out) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-p",
                        Objects.requireNonNull(System.getProperty("jdk.module.path")),
                        "-m",
                        "org.filigree.v4/" + Main.class.getName(),
                        "train",
                        "--data",
                        sources.toString(),
                        "--out",
                        out.toString(),
                        "--validation-share",
                        "0.3",
                        "--steps",
                        "100000",
                        "--batch",
                        "2",
                        "--length",
                        "16",
                        "--held-out-windows",
                        "2")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }
}
