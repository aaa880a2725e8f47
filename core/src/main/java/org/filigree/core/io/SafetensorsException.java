package org.filigree.core.io;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A safetensors file, or an index of such files, cannot be read as what it claims to be, or a tensor asked for is not
 * there. The message names the file, the tensor and the byte, as far as each is known.
 */
public final class SafetensorsException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final long NO_OFFSET = -1;

    private final transient @Nullable Path file;
    /** Name of the tensor, null where the whole file is meant. */
    private final @Nullable String tensor;

    /** Byte in the file, −1 where none is meant. */
    private final long offset;

    SafetensorsException(
            String problem, @Nullable Path file, @Nullable String tensor, long offset, @Nullable Throwable cause) {
        super(message(problem, file, tensor, offset), cause);
        this.file = file;
        this.tensor = tensor;
        this.offset = offset;
    }

    static SafetensorsException ofFile(Path file, String problem) {
        return new SafetensorsException(problem, file, null, NO_OFFSET, null);
    }

    static SafetensorsException ofFile(Path file, String problem, Throwable cause) {
        return new SafetensorsException(problem, file, null, NO_OFFSET, cause);
    }

    static SafetensorsException ofContent(String problem) {
        return new SafetensorsException(problem, null, null, NO_OFFSET, null);
    }

    static SafetensorsException ofTensor(Path file, String tensor, String problem) {
        return new SafetensorsException(problem, file, tensor, NO_OFFSET, null);
    }

    static SafetensorsException ofReading(TensorSource source, String tensor, ArithmeticException cause) {
        Path file = source instanceof SafetensorsFile single ? single.path() : null;
        return new SafetensorsException(
                "a number does not fit the model's type: " + cause.getMessage(), file, tensor, NO_OFFSET, cause);
    }

    /**
     * The whole story in one line.
     *
     * @return file, tensor and byte, as far as known, and the problem
     */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }

    /**
     * The file at fault.
     *
     * @return the path as it was given or listed
     */
    public Optional<Path> file() {
        return Optional.ofNullable(file);
    }

    /**
     * The tensor at fault.
     *
     * @return its name, or empty if the trouble is not with one tensor
     */
    public Optional<String> tensor() {
        return Optional.ofNullable(tensor);
    }

    /**
     * Where the trouble shows.
     *
     * @return bytes from the start of the file, or empty if no single place is at fault
     */
    public OptionalLong offset() {
        return offset == NO_OFFSET ? OptionalLong.empty() : OptionalLong.of(offset);
    }

    private static String message(String problem, @Nullable Path file, @Nullable String tensor, long offset) {
        StringBuilder text = new StringBuilder();
        if (file != null) {
            text.append(file).append(": ");
        }
        if (tensor != null) {
            text.append("tensor '").append(tensor).append("': ");
        }
        if (offset != NO_OFFSET) {
            text.append("at byte ").append(offset).append(": ");
        }
        return text.append(problem).toString();
    }
}
