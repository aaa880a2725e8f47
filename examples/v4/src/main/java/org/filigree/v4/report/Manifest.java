package org.filigree.v4.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.filigree.v4.data.DataIdentity;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * How the results of a run came about, in {@code manifest.json}: enough to repeat it, and to tell why a repetition
 * differs.
 *
 * @param outcome     how the run stands
 * @param started     when it began
 * @param ended       when it ended; null while it runs
 * @param java        Java platform
 * @param machine     machine
 * @param backend     backend that computed, with what it says about itself
 * @param libraries   artifact to version, sorted
 * @param seed        seed of every random choice
 * @param commandLine program arguments
 * @param data        what it was trained and measured on; null where nothing was read
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Manifest(
        RunOutcome outcome,
        Instant started,
        @Nullable Instant ended,
        JavaInfo java,
        MachineInfo machine,
        String backend,
        Map<String, String> libraries,
        @JsonProperty(required = true) long seed,
        List<String> commandLine,
        @Nullable DataIdentity data) {
    /** Name of the file inside the folder of a run. */
    public static final String JSON = "manifest.json";

    /**
     * Copies the collections; those that a file does not have are empty.
     *
     * @throws NullPointerException if anything is missing that a run cannot go on without, naming it
     */
    public Manifest {
        Objects.requireNonNull(outcome, "outcome is missing");
        Objects.requireNonNull(started, "started is missing");
        Objects.requireNonNull(java, "java is missing");
        Objects.requireNonNull(machine, "machine is missing");
        Objects.requireNonNull(backend, "backend is missing");
        libraries = libraries == null ? Map.of() : Collections.unmodifiableMap(new TreeMap<>(libraries));
        commandLine = commandLine == null ? List.of() : List.copyOf(commandLine);
    }

    /**
     * The manifest of a run that begins now, on this machine.
     *
     * @param started     when it began
     * @param backend     backend that computes
     * @param seed        seed of every random choice
     * @param commandLine program arguments
     * @param data        what it is trained and measured on; null where nothing is read
     * @return a manifest with outcome {@link RunOutcome#RUNNING}
     */
    public static Manifest starting(
            Instant started, String backend, long seed, List<String> commandLine, @Nullable DataIdentity data) {
        return new Manifest(
                RunOutcome.RUNNING,
                started,
                null,
                JavaInfo.current(),
                MachineInfo.current(),
                backend,
                LibraryVersions.detect(),
                seed,
                commandLine,
                data);
    }

    /**
     * The same run, ended.
     *
     * @param how  its outcome
     * @param when when it ended
     * @return a new manifest
     */
    public Manifest withEnd(RunOutcome how, Instant when) {
        return new Manifest(how, started, when, java, machine, backend, libraries, seed, commandLine, data);
    }

    /**
     * Writes {@code manifest.json}, replacing an older one as a whole.
     *
     * @param folder folder of the run
     * @throws ReportException if it cannot be written
     */
    public void write(Path folder) {
        byte[] json = ReportJson.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(this);
        ReportFile.write(folder.resolve(JSON), json);
    }

    /**
     * Reads {@code manifest.json}, also of earlier versions, which wrote less, and of later ones, which may write more.
     *
     * @param folder folder of a run
     * @return its manifest
     * @throws ReportException if it is missing or damaged, or lacks what a run cannot go on without
     */
    public static Manifest read(Path folder) {
        Path file = folder.resolve(JSON);
        try {
            return ReportJson.MAPPER.readValue(Files.readAllBytes(file), Manifest.class);
        } catch (IOException e) {
            throw new ReportException("cannot read %s: %s".formatted(file, e), e);
        } catch (JacksonException e) {
            throw new ReportException("%s is damaged: %s".formatted(file, e.getOriginalMessage()), e);
        }
    }
}
