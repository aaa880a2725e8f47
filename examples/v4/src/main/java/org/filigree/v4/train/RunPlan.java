package org.filigree.v4.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.filigree.core.io.AtomicFile;
import org.filigree.v4.ModelException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * All that decides how a run goes, kept in the run's folder: a run that is resumed goes on by the plan that it began with, on the data
 * that it began with.
 *
 * @param training how long and how fast
 * @param data folder or archive that was read, null for the JDK's sources
 * @param maxBytes largest corpus
 * @param validationShare share of files that are held out
 * @param heldOutWindows most windows of the last measurement
 * @param trainSha256 digest of the files trained on
 * @param validationSha256 digest of the files held out
 */
public record RunPlan(
        TrainingPlan training,
        @Nullable String data,
        long maxBytes,
        double validationShare,
        int heldOutWindows,
        String trainSha256,
        String validationSha256) {
    private static final String NAME = "plan.json";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /**
     * Writes the plan, whole or not at all.
     *
     * @param folder the run's folder
     * @throws IOException if the file cannot be written
     */
    public void write(RunFolder folder) throws IOException {
        AtomicFile.write(
                folder.path().resolve(NAME),
                JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n");
    }

    /**
     * Reads the plan of a run.
     *
     * @param folder the run's folder
     * @return its plan
     * @throws ModelException if it is missing or damaged
     */
    public static RunPlan read(RunFolder folder) {
        Path file = folder.path().resolve(NAME);
        try {
            return JSON.readValue(Files.readString(file), RunPlan.class);
        } catch (IOException | JacksonException | IllegalArgumentException e) {
            throw new ModelException(file + " cannot be read, so the run cannot be continued: " + e.getMessage(), e);
        }
    }

    /**
     * The same plan on data with other digests.
     *
     * @param train digest of the files trained on
     * @param validation digest of the files held out
     * @return a new plan
     */
    public RunPlan withDigests(String train, String validation) {
        return new RunPlan(training, data, maxBytes, validationShare, heldOutWindows, train, validation);
    }
}
