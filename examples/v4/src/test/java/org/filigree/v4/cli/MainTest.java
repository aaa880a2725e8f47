package org.filigree.v4.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.filigree.v4.report.Manifest;
import org.filigree.v4.report.RunOutcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class MainTest {
    @TempDir
    Path folder;

    private record Outcome(int code, String out, String err) {}

    private static Outcome run(String... args) {
        var out = new StringWriter();
        var err = new StringWriter();
        CommandLine command =
                Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return new Outcome(command.execute(args), out.toString(), err.toString());
    }

    private void refused(String expected, String... args) {
        Outcome outcome = run(args);
        assertEquals(2, outcome.code(), outcome.err());
        assertEquals(1, outcome.err().lines().count(), outcome.err());
        assertTrue(outcome.err().startsWith("filigree: "), outcome.err());
        assertTrue(outcome.err().contains(expected), outcome.err());
    }

    @Test
    void whatCannotBeDoneGetsOneLineAndCodeTwo() throws IOException {
        String out = folder.resolve("run").toString();
        Path empty = Files.createDirectories(folder.resolve("empty"));
        Path file = Files.writeString(folder.resolve("file"), "x");
        refused("nowhere", "train", "--data", folder.resolve("nowhere").toString(), "--out", out);
        refused("empty", "train", "--data", empty.toString(), "--out", out);
        refused("--stepz", "train", "--stepz", "3");
        refused("--steps", "train", "--steps", "many");
        refused("training: steps must be positive but is 0", "train", "--steps", "0");
        refused("no backend is called abacus", "generate", "--model", out, "--prompt", "x", "--backend", "abacus");
        refused("holds no config.json", "generate", "--model", empty.toString(), "--prompt", "x");
        refused("is a file", "train", "--out", file.toString());
        refused("is a file", "train", "--out", file.resolve("below").toString());
        refused("--bytes must be positive", "generate", "--model", out, "--prompt", "x", "--bytes", "0");
        refused("temperature", "generate", "--model", out, "--prompt", "x", "--temperature", "-1");
        refused("holds no training checkpoint", "train", "--resume", "--out", out);
        refused("--model", "generate", "--prompt", "x");
        refused("stability: depth must be positive but is 0", "stability", "--depths", "8,0");
        refused("is a file", "stability", "--quick", "--out", file.toString());
        refused("lengths must grow but 4 follows 8", "context", "--lengths", "8,4");
        refused("is a file", "context", "--quick", "--out", file.toString());
        assertFalse(Files.exists(Path.of(out)), "a refused run leaves nothing behind");
    }

    @Test
    void aTrainedModelGeneratesAndIsContinuedByItsOwnPlanAlone() throws IOException {
        Path sources = Files.createDirectories(folder.resolve("sources"));
        for (int i = 0; i < 20; i++) {
            Files.writeString(
                    sources.resolve("Number" + i + ".java"), "class Number" + i + " {\n    int n = " + i + ";\n}\n");
        }
        String out = folder.resolve("trained").toString();
        Outcome trained = run(
                "train",
                "--data",
                sources.toString(),
                "--out",
                out,
                "--validation-share",
                "0.3",
                "--steps",
                "2",
                "--batch",
                "2",
                "--length",
                "16",
                "--held-out-windows",
                "2");
        assertEquals(0, trained.code(), trained.err());
        assertTrue(trained.out().contains("Bits per byte on held-out files"), trained.out());
        Outcome generated = run("generate", "--model", out, "--prompt", "class ", "--bytes", "5");
        assertEquals(0, generated.code(), generated.err());
        assertTrue(generated.out().startsWith("class "), generated.out());
        assertEquals(
                0,
                run("generate", "--model", out, "--prompt", "class ", "--suffix", "}", "--bytes", "5")
                        .code());

        assertEquals(0, run("train", "--resume", "--out", out).code(), "a complete run is measured again");
        refused("leave it out", "train", "--resume", "--out", out, "--steps", "3");
        refused("holds a training checkpoint already", "train", "--out", out);
        Files.writeString(sources.resolve("Number0.java"), "class Changed {}");
        refused("not those that the run", "train", "--resume", "--out", out);
    }

    @Test
    void stabilityLeavesATableAndPlots() throws IOException {
        Path sources = Files.createDirectories(folder.resolve("sources"));
        for (int i = 0; i < 100; i++) {
            Files.writeString(sources.resolve("N" + i + ".java"), "class N" + i + " {\n    int n = " + i + ";\n}\n");
        }
        Path out = folder.resolve("stability");
        Outcome outcome = run("stability", "--quick", "--data", sources.toString(), "--out", out.toString());
        assertEquals(0, outcome.code(), outcome.err());
        assertTrue(outcome.out().contains("[10/10] 4 sub-layers, mHC, drawn"), outcome.out());
        String table = Files.readString(out.resolve("stability.md"));
        assertTrue(table.contains("| 4 | mHC |") && table.contains("| 4 | 0.95 | 60 | 20 |"), table);
        assertTrue(outcome.out().contains("| 4 | mHC |"), outcome.out());
        everyColumnIsExplained(outcome.out());
        everyColumnIsExplained(table);
        for (String name : List.of("stability-forward.svg", "stability-backward.svg", "manifest.json")) {
            assertTrue(Files.exists(out.resolve(name)), name);
        }
    }

    /** Below a table, each part of each head stands at the start of an item, or beside its siblings there. */
    private static void everyColumnIsExplained(String text) {
        String items = text.lines()
                .filter(line -> line.startsWith("- "))
                .map(line -> line.substring(0, line.lastIndexOf(": ")))
                .collect(Collectors.joining("\n"));
        List<String> heads = text.lines()
                .filter(line -> line.startsWith("| sub-layers |") || line.startsWith("| logits"))
                .flatMap(line -> Stream.of(line.substring(2).split("[|,·:]")))
                .map(String::strip)
                .toList();
        assertTrue(heads.size() > 6, text);
        for (String head : heads) {
            assertTrue(items.contains(head.replace(" before", "")), () -> head + " is not explained in\n" + text);
        }
    }

    @Test
    void reportsGoToAFolderNamedAfterTheCommand() {
        for (String command : List.of("stability", "context")) {
            Outcome help = run(command, "--help");
            assertTrue(help.out().contains("runs/" + command), help.out());
            for (String option : List.of("--quick", "--seed", "--backend")) {
                assertTrue(help.out().contains(option), help.out());
            }
        }
    }

    @Test
    void contextLeavesATableAndAPlot() throws IOException {
        Path out = folder.resolve("context");
        Outcome outcome = run("context", "--quick", "--out", out.toString());
        assertEquals(0, outcome.code(), outcome.err());
        assertTrue(outcome.out().contains("1024 tokens: scores "), outcome.out());
        assertTrue(outcome.out().contains("No measurement"), outcome.out());
        String table = Files.readString(out.resolve("context.md"));
        assertTrue(table.contains("| 256 |") && table.contains("| 1024 |"), table);
        assertTrue(table.contains("No measurement"), table);
        Manifest manifest = Manifest.read(out);
        assertEquals(RunOutcome.COMPLETED, manifest.outcome());
        assertEquals(List.of("context", "--quick", "--out", out.toString()), manifest.commandLine());
        assertNull(manifest.data());
        assertTrue(Files.exists(out.resolve("context.svg")));
    }

    @Test
    void infoAndBackendsSayWhatTheyShould() {
        Outcome info = run("info", "--preset", "full");
        assertEquals(0, info.code());
        for (String line : List.of("parameters", "active per token", "KV bytes per token", "FLOPs per token")) {
            assertTrue(info.out().contains(line), info.out());
        }
        Outcome backends = run("backends");
        assertEquals(0, backends.code());
        assertTrue(backends.out().contains("vector: usable"), backends.out());
        assertTrue(backends.out().contains("scalar: usable"), backends.out());
    }
}
