package org.filigree.core.io;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;

/** The error for a tensor that is not there, naming the most similar one that is. */
final class MissingTensor {
    private MissingTensor() {}

    static SafetensorsException in(Path file, String name, Collection<String> present) {
        String hint = present.stream()
                .max(Comparator.comparingInt(candidate -> shared(name, candidate)))
                .filter(candidate -> shared(name, candidate) * 2 >= name.length())
                .map(candidate -> "; did you mean '" + candidate + "'?")
                .orElse("");
        return SafetensorsException.ofTensor(file, name, "no such tensor among " + present.size() + hint);
    }

    /** Length of the common prefix and suffix together. */
    private static int shared(String a, String b) {
        int length = Math.min(a.length(), b.length());
        int prefix = 0;
        while (prefix < length && a.charAt(prefix) == b.charAt(prefix)) {
            prefix++;
        }
        int suffix = 0;
        while (suffix < length - prefix && a.charAt(a.length() - 1 - suffix) == b.charAt(b.length() - 1 - suffix)) {
            suffix++;
        }
        return prefix + suffix;
    }
}
