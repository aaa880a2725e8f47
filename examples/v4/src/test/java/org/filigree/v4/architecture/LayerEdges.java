package org.filigree.v4.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The layers inside core, and which of them each may name: {@code tensor ◄ backend ◄ autograd ◄ op ◄ nn, optim}. */
final class LayerEdges {
    private static final Map<String, Set<String>> EDGES = Map.of(
            "tensor", Set.of(),
            "random", Set.of("tensor"),
            "backend", Set.of("tensor"),
            "autograd", Set.of("tensor", "backend"),
            "op", Set.of("tensor", "backend", "autograd"),
            "nn", Set.of("tensor", "backend", "autograd", "op", "random"),
            "optim", Set.of("tensor", "backend", "autograd", "op", "random", "nn"),
            "io", Set.of("tensor", "backend", "autograd", "op", "random", "nn", "optim"));

    private static final String CORE = "org.filigree.core.";
    private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/|//[^\\n]*", Pattern.DOTALL);
    private static final Pattern PACKAGE =
            Pattern.compile("package\\s+org\\.filigree\\.core(?:\\.(\\w+))?[\\w.]*\\s*;");
    private static final Pattern NAMED = Pattern.compile("org\\.filigree\\.core\\.([a-z]\\w*)");

    private LayerEdges() {}

    /** What is wrong with one source file of core; empty when nothing is. */
    static List<String> inSource(String path, String text) {
        String code = COMMENT.matcher(text).replaceAll("");
        Matcher self = PACKAGE.matcher(code);
        if (!self.find() || self.group(1) == null || !EDGES.containsKey(self.group(1))) {
            return List.of(path + ": not in a layer of core; packages start with " + CORE + " and one of "
                    + new TreeSet<>(EDGES.keySet()));
        }
        String from = self.group(1);
        Set<String> allowed = EDGES.getOrDefault(from, Set.of());
        var wrong = new ArrayList<String>();
        Matcher named = NAMED.matcher(code);
        while (named.find()) {
            String to = named.group(1);
            if (!to.equals(from) && !allowed.contains(to)) {
                wrong.add(path + ": layer " + from + " names " + to + "; it may name " + new TreeSet<>(allowed));
            }
        }
        return wrong;
    }
}
