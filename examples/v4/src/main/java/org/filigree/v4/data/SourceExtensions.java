package org.filigree.v4.data;

import java.util.Locale;
import java.util.Set;

/** File name extensions of source code. */
final class SourceExtensions {
    static final Set<String> COMMON = Set.of(
            "java", "kt", "kts", "scala", "groovy", "clj", "c", "h", "cc", "cpp", "cxx", "hh", "hpp", "cs", "go", "rs",
            "swift", "m", "py", "rb", "pl", "php", "lua", "js", "mjs", "jsx", "ts", "tsx", "sh", "sql", "hs", "ml",
            "erl", "ex", "exs", "jl", "r", "dart", "zig");

    private SourceExtensions() {}

    static boolean matches(Set<String> extensions, String path) {
        int dot = path.lastIndexOf('.');
        return dot > path.lastIndexOf('/')
                && extensions.contains(path.substring(dot + 1).toLowerCase(Locale.ROOT));
    }
}
