package org.filigree.v4.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The edges that may leave each module.
 *
 * <pre>
 * examples ─► everything      attention ─► kvcache ─► core      moe, engram, mhc ─► core      core ─► the JDK alone
 * </pre>
 *
 * Poms are read by pattern and not by an XML parser: the tests of a named module read only the modules it requires.
 */
final class ModuleEdges {
    /**
     * What one module may depend on.
     *
     * @param own names of other modules of this project
     * @param foreign groups of foreign artifacts, which are also the first words of their module names
     */
    private record Allowed(Set<String> own, Set<String> foreign) {
        boolean everything() {
            return own.contains("*");
        }
    }

    private static final Allowed EVERYTHING = new Allowed(Set.of("*"), Set.of("*"));
    private static final Allowed CORE_ALONE = new Allowed(Set.of("core"), Set.of());

    private static final Map<String, Allowed> EDGES = Map.ofEntries(
            Map.entry("core", new Allowed(Set.of(), Set.of())),
            Map.entry("ojalgo", new Allowed(Set.of("core"), Set.of("org.ojalgo", "ojalgo"))),
            Map.entry("nd4j", new Allowed(Set.of("core"), Set.of("org.nd4j"))),
            Map.entry("kvcache", CORE_ALONE),
            Map.entry("attention", new Allowed(Set.of("core", "kvcache"), Set.of())),
            Map.entry("moe", CORE_ALONE),
            Map.entry("engram", CORE_ALONE),
            Map.entry("mhc", CORE_ALONE),
            Map.entry("v4", EVERYTHING),
            Map.entry("ablation", EVERYTHING),
            Map.entry("bench", EVERYTHING));

    /** The test kit in core's test-jar, and the double-precision backend that tests compare with. */
    private static final Set<String> FOR_TESTS = Set.of("core", "ojalgo");

    /** Reads the golden numbers of the specification, which are JSON. */
    private static final Set<String> FOREIGN_FOR_TESTS = Set.of("tools.jackson.core");

    private static final Pattern XML_COMMENT = Pattern.compile("<!--.*?-->", Pattern.DOTALL);
    private static final Pattern JAVA_COMMENT = Pattern.compile("/\\*.*?\\*/|//[^\\n]*", Pattern.DOTALL);
    private static final Pattern NOT_DEPENDENCIES = Pattern.compile(
            "<(dependencyManagement|build|parent|properties)>.*?</\\1>|<exclusions>.*?</exclusions>", Pattern.DOTALL);
    private static final Pattern ARTIFACT = Pattern.compile("<artifactId>filigree-(\\w+)</artifactId>");
    private static final Pattern DEPENDENCY = Pattern.compile("<dependency>(.*?)</dependency>", Pattern.DOTALL);
    private static final Pattern MODULE = Pattern.compile("module\\s+([\\w.]+)\\s*\\{");
    private static final Pattern REQUIRES =
            Pattern.compile("requires\\s+((?:transitive\\s+|static\\s+)*)([\\w.]+)\\s*;");

    private ModuleEdges() {}

    /** The names of all modules, in order. */
    static Set<String> modules() {
        return new TreeSet<>(EDGES.keySet());
    }

    /** What is wrong with the dependencies of one module's pom; empty when nothing is. */
    static List<String> inPom(String path, String text) {
        String pom = NOT_DEPENDENCIES
                .matcher(XML_COMMENT.matcher(text).replaceAll(""))
                .replaceAll("");
        Matcher self = ARTIFACT.matcher(pom);
        if (!self.find() || !EDGES.containsKey(self.group(1))) {
            return List.of(path + ": not a module of the design; its artifact must be one of " + modules());
        }
        String from = self.group(1);
        Allowed allowed = EDGES.getOrDefault(from, CORE_ALONE);
        var wrong = new ArrayList<String>();
        Matcher dependency = DEPENDENCY.matcher(pom);
        while (dependency.find()) {
            String body = dependency.group(1);
            String group = element(body, "groupId");
            String to = element(body, "artifactId");
            boolean test = element(body, "scope").equals("test");
            if (!element(body, "version").isEmpty()) {
                wrong.add(path + ": " + to + " brings its own version; versions are managed in the root pom");
            }
            if (allowed.everything()) {
                continue;
            }
            if (group.equals("org.filigree")) {
                String name = to.replace("filigree-", "");
                boolean kit = test && FOR_TESTS.contains(name) && !from.equals("core");
                if (!kit && !allowed.own().contains(name)) {
                    wrong.add(path + ": edge " + from + " -> " + name + " is not in the design; allowed: "
                            + new TreeSet<>(allowed.own()));
                }
            } else if (!allowed.foreign().contains(group) && !(test && FOREIGN_FOR_TESTS.contains(group))) {
                wrong.add(path + ": " + from + " depends on " + group + ":" + to + "; allowed beside the JDK: "
                        + new TreeSet<>(allowed.foreign()));
            }
        }
        return wrong;
    }

    /** What is wrong with one module descriptor; empty when nothing is. */
    static List<String> inDescriptor(String path, String text) {
        String descriptor = JAVA_COMMENT.matcher(text).replaceAll("");
        Matcher self = MODULE.matcher(descriptor);
        String prefix = "org.filigree.";
        if (!self.find()
                || !self.group(1).startsWith(prefix)
                || !EDGES.containsKey(self.group(1).substring(prefix.length()))) {
            return List.of(
                    path + ": not a module of the design; its name must be org.filigree. and one of " + modules());
        }
        String from = self.group(1).substring(prefix.length());
        Allowed allowed = EDGES.getOrDefault(from, CORE_ALONE);
        var wrong = new ArrayList<String>();
        Matcher requires = REQUIRES.matcher(descriptor);
        while (requires.find()) {
            String to = requires.group(2);
            if (to.equals("org.jspecify")) {
                if (!requires.group(1).contains("static")) {
                    wrong.add(path + ": org.jspecify is for the compiler only; write requires static");
                }
            } else if (!allowed.everything() && !isJdk(to)) {
                boolean known = to.startsWith(prefix)
                        ? allowed.own().contains(to.substring(prefix.length()))
                        : allowed.foreign().contains(to);
                if (!known) {
                    wrong.add(path + ": edge " + from + " -> " + to + " is not in the design");
                }
            }
        }
        return wrong;
    }

    private static boolean isJdk(String module) {
        return module.startsWith("java.") || module.startsWith("jdk.");
    }

    private static String element(String xml, String name) {
        Matcher found =
                Pattern.compile("<" + name + ">\\s*(.*?)\\s*</" + name + ">").matcher(xml);
        return found.find() ? found.group(1) : "";
    }
}
