package org.filigree.v4.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.filigree.v4.data.DataIdentity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestTest {
    private static final DataIdentity DATA = new DataIdentity(
            "lib/src.zip",
            0.05,
            new DataIdentity.SideIdentity(500, 8_000_000, "ab"),
            new DataIdentity.SideIdentity(25, 400_000, "cd"));

    @TempDir
    private Path folder;

    @Test
    void isReadAsItWasWritten() throws IOException {
        Manifest running = Manifest.starting(
                Instant.parse("2026-01-02T03:04:05Z"),
                "vector (256 bits)",
                42,
                List.of("train", "--steps", "10"),
                DATA);
        running.write(folder);
        assertEquals(running, Manifest.read(folder));
        String json = Files.readString(folder.resolve(Manifest.JSON));
        assertFalse(json.contains("ended"), json);
        assertTrue(json.contains("\"outcome\" : \"running\""), json);
        assertTrue(json.contains("\"started\" : \"2026-01-02T03:04:05Z\""), json);

        Manifest ended = running.withEnd(RunOutcome.INTERRUPTED, Instant.parse("2026-01-02T03:14:05Z"));
        ended.write(folder);
        assertEquals(ended, Manifest.read(folder));
    }

    @Test
    void describesThisMachine() {
        Manifest manifest = Manifest.starting(Instant.EPOCH, "scalar", 1, List.of(), DATA);
        assertEquals(Runtime.version().toString(), manifest.java().version());
        assertTrue(manifest.machine().cores() >= 1);
        assertTrue(
                manifest.java().flags().stream().allMatch(flag -> flag.startsWith("-")),
                () -> manifest.java().flags().toString());
        assertTrue(manifest.libraries().containsKey("jackson-databind"), manifest.libraries()::toString);
    }

    @Test
    void findsTheProcessorModel() throws IOException {
        Path cpuinfo = folder.resolve("cpuinfo");
        assertEquals("unknown", MachineInfo.cpuModel(cpuinfo));
        Files.writeString(cpuinfo, "processor\t: 0\nmodel name\t: Some CPU @ 3.0 GHz\nmodel name\t: other\n");
        assertEquals("Some CPU @ 3.0 GHz", MachineInfo.cpuModel(cpuinfo));
        Files.writeString(cpuinfo, "processor\t: 0\n");
        assertEquals("unknown", MachineInfo.cpuModel(cpuinfo));
    }

    /** Written before manifests named the options of the virtual machine, and with a field that this version does not know. */
    private static final String EARLIER = """
            {
              "outcome" : "interrupted",
              "started" : "2026-01-02T03:04:05Z",
              "java" : { "version" : "25.0.3+9-LTS", "vendor" : "v", "vm" : "m", "maxHeap" : 1024 },
              "machine" : { "os" : "Linux", "architecture" : "amd64", "cpu" : "c", "cores" : 2 },
              "backend" : "vector: float32",
              "seed" : 42,
              "weather" : { "sky" : "grey" }
            }
            """;

    @Test
    void readsWhatEarlierVersionsWrote() throws IOException {
        Files.writeString(folder.resolve(Manifest.JSON), EARLIER);
        Manifest read = Manifest.read(folder);
        assertEquals(new JavaInfo("25.0.3+9-LTS", "v", "m", 1024, List.of()), read.java());
        assertEquals(List.of(), read.commandLine());
        assertEquals(Map.of(), read.libraries());
        assertNull(read.data());
        read.write(folder);
        assertEquals(read, Manifest.read(folder));
    }

    @Test
    void namesWhatARunCannotGoOnWithout() throws IOException {
        for (String needed : List.of("outcome", "started", "java", "machine", "backend", "seed")) {
            String without = EARLIER.lines()
                    .filter(line -> !line.contains("\"" + needed + "\" :"))
                    .collect(Collectors.joining("\n"));
            Files.writeString(folder.resolve(Manifest.JSON), without);
            String message = assertThrows(ReportException.class, () -> Manifest.read(folder))
                    .getMessage();
            assertTrue(message.contains(Manifest.JSON) && message.contains(needed), message);
        }
    }

    @Test
    void namesAMissingOrDamagedFile() throws IOException {
        assertTrue(assertThrows(ReportException.class, () -> Manifest.read(folder))
                .getMessage()
                .contains(Manifest.JSON));
        Files.writeString(folder.resolve(Manifest.JSON), "{");
        assertTrue(assertThrows(ReportException.class, () -> Manifest.read(folder))
                .getMessage()
                .contains("damaged"));
    }
}
