package org.filigree.v4.train;

import java.nio.file.Path;

/**
 * The files of a training run.
 *
 * @param path the folder
 */
public record RunFolder(Path path) {
    /** {@return the parameters, for inference} */
    public Path model() {
        return path.resolve("model.safetensors");
    }

    /** {@return everything that training needs to continue} */
    public Path training() {
        return path.resolve("training.safetensors");
    }
}
