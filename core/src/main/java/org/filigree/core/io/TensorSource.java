package org.filigree.core.io;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Where weights come from: one safetensors file, or a sharded checkpoint with its index. Callers need not care which.
 *
 * {@snippet :
 * try (TensorSource weights = TensorSource.open(Path.of("model"))) {
 *     float[] embedding = weights.tensor("embed.weight").toFloats();
 * }
 * }
 */
public interface TensorSource extends AutoCloseable {
    /**
     * Opens a safetensors file, an index ({@code …index.json}), or a folder that holds {@code model.safetensors} or
     * {@code model.safetensors.index.json}.
     *
     * @param path file or folder
     * @return the opened source, to be closed by the caller
     * @throws SafetensorsException if there is no such thing, the folder holds both or neither, or a file is corrupt
     */
    static TensorSource open(Path path) {
        if (!Files.isDirectory(path)) {
            return path.toString().endsWith(".json") ? SafetensorsIndex.open(path) : SafetensorsFile.open(path);
        }
        Path single = path.resolve(SafetensorsWriter.SINGLE_FILE);
        Path index = path.resolve(SafetensorsWriter.INDEX_FILE);
        boolean hasSingle = Files.exists(single);
        boolean hasIndex = Files.exists(index);
        if (hasSingle && hasIndex) {
            throw SafetensorsException.ofFile(
                    path,
                    "the folder holds both " + SafetensorsWriter.SINGLE_FILE + " and " + SafetensorsWriter.INDEX_FILE
                            + "; open the one you mean by its own path");
        }
        if (!hasSingle && !hasIndex) {
            throw SafetensorsException.ofFile(
                    path,
                    "the folder holds neither " + SafetensorsWriter.SINGLE_FILE + " nor "
                            + SafetensorsWriter.INDEX_FILE);
        }
        return hasSingle ? SafetensorsFile.open(single) : SafetensorsIndex.open(index);
    }

    /**
     * Every tensor's name.
     *
     * @return names in the order of storage, unmodifiable
     */
    List<String> names();

    /**
     * Whether there is a tensor of that name.
     *
     * @param name a tensor's name
     * @return true if {@link #tensor} would find it
     */
    boolean contains(String name);

    /**
     * A tensor, without copying.
     *
     * @param name its name
     * @return a view, valid until this source is closed
     * @throws SafetensorsException if there is none of that name
     */
    StoredTensor tensor(String name);

    /**
     * What the file says about itself.
     *
     * @return free-form keys and values, unmodifiable
     */
    Map<String, String> metadata();

    /** Unmaps the files. Tensors taken from this source are invalid from here on and fail when read. */
    @Override
    void close();
}
