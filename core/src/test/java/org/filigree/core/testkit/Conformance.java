package org.filigree.core.testkit;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.io.StoredTensor;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;

/**
 * Conformance cases: a folder of files, named by {@code -Dfiligree.conformance}, else the copy in the test resources of the module
 * whose tests run. Shapes, orders and sizes are read from the files; another folder may hold others.
 */
public final class Conformance {
    /** System property that names another folder of the same layout. */
    public static final String PROPERTY = "filigree.conformance";

    private Conformance() {}

    /**
     * The path of a file or folder among the cases.
     *
     * @param entry for example {@code v3/config.json}
     * @return where it is
     * @throws AssertionError if it is not there
     */
    public static Path path(String entry) {
        String chosen = System.getProperty(PROPERTY, "");
        Path folder = chosen.isBlank()
                ? Path.of(System.getProperty("basedir", ""), "src", "test", "resources", "conformance")
                : Path.of(chosen);
        Path path = folder.resolve(entry);
        if (!Files.exists(path)) {
            throw new AssertionError("there is no conformance case " + path.toAbsolutePath() + "; -D" + PROPERTY
                    + " is '" + chosen + "'");
        }
        return path;
    }

    /**
     * Opens a file of tensors.
     *
     * @param entry without suffix, for example {@code blocks/muon}
     * @return the file, to be closed
     */
    public static SafetensorsFile open(String entry) {
        return SafetensorsFile.open(path(entry + ".safetensors"));
    }

    /**
     * A tensor of a case as an operand: real numbers as a variable, integers of any width as a constant.
     *
     * @param file an open case
     * @param name name of the tensor
     * @return its numbers
     */
    public static Sample sample(SafetensorsFile file, String name) {
        StoredTensor stored = file.tensor(name);
        Shape shape = Shape.of(
                Arrays.stream(stored.shape()).mapToInt(Math::toIntExact).toArray());
        return stored.type().isFloating()
                ? new Sample(name, shape, DType.FLOAT32, stored.toDoubles(), Sample.Role.VARIABLE)
                : Sample.ints(name, shape, stored.toInts());
    }

    /**
     * A number from the description of a case.
     *
     * @param file an open case
     * @param key name in the metadata
     * @return its value
     * @throws AssertionError if it is missing
     */
    public static double number(SafetensorsFile file, String key) {
        String value = file.metadata().get(key);
        if (value == null) {
            throw new AssertionError(
                    file + " has no metadata " + key + " but " + file.metadata().keySet());
        }
        return Double.parseDouble(value);
    }
}
