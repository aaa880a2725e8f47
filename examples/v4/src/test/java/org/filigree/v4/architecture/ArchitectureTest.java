package org.filigree.v4.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArchitectureTest {
    private static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();

    @Test
    void everyPomKeepsToTheDesign() throws IOException {
        List<Path> poms = find(p -> p.endsWith("pom.xml") && !p.equals(ROOT.resolve("pom.xml")));
        assertEquals(ModuleEdges.modules().size(), poms.size(), () -> "poms found: " + poms);
        var wrong = new ArrayList<String>();
        for (Path pom : poms) {
            wrong.addAll(ModuleEdges.inPom(shown(pom), Files.readString(pom)));
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void everyModuleDescriptorKeepsToTheDesign() throws IOException {
        List<Path> descriptors = find(p -> p.endsWith("src/main/java/module-info.java"));
        assertTrue(descriptors.contains(ROOT.resolve("core/src/main/java/module-info.java")), descriptors::toString);
        var wrong = new ArrayList<String>();
        for (Path descriptor : descriptors) {
            wrong.addAll(ModuleEdges.inDescriptor(shown(descriptor), Files.readString(descriptor)));
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void onlyNd4jHasSourcesWithoutAModuleDescriptor() throws IOException {
        var without = new TreeSet<String>();
        for (Path source : find(p -> p.toString().matches(".*/src/main/java/org/.*[.]java"))) {
            String root = shown(source).replaceAll("/org/.*", "");
            if (!Files.exists(ROOT.resolve(root).resolve("module-info.java"))) {
                without.add(root);
            }
        }
        without.remove("core/nd4j/src/main/java");
        assertEquals(Set.of(), without);
    }

    @Test
    void theClassPathFindsWhatTheModulePathFinds() throws IOException {
        Pattern provides = Pattern.compile("provides\\s+([\\w.]+)\\s+with([^;]+);");
        var wrong = new ArrayList<String>();
        for (Path descriptor : find(p -> p.endsWith("src/main/java/module-info.java"))) {
            Matcher found = provides.matcher(Files.readString(descriptor));
            while (found.find()) {
                Path services = descriptor
                        .resolveSibling("../resources/META-INF/services/" + found.group(1))
                        .normalize();
                String named = Files.exists(services) ? Files.readString(services) : "";
                for (String provider : found.group(2).trim().split("\\s*,\\s*", -1)) {
                    if (!named.lines().toList().contains(provider)) {
                        wrong.add(shown(services) + " does not name " + provider);
                    }
                }
            }
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void everySourceOfCoreKeepsToItsLayer() throws IOException {
        Path core = ROOT.resolve("core/src/main/java");
        List<Path> sources =
                find(p -> p.startsWith(core) && p.toString().endsWith(".java") && !p.endsWith("module-info.java"));
        assertTrue(sources.size() > 20, () -> "only " + sources.size() + " sources found under " + core);
        var wrong = new ArrayList<String>();
        for (Path source : sources) {
            wrong.addAll(LayerEdges.inSource(shown(source), Files.readString(source)));
        }
        assertEquals(List.of(), wrong);
    }

    @ParameterizedTest
    @CsvSource({
        "core,      org.filigree, filigree-kvcache,   compile, edge core -> kvcache",
        "core,      org.filigree, filigree-ojalgo,    test,    edge core -> ojalgo",
        "core,      org.ojalgo,   ojalgo,             compile, core depends on org.ojalgo:ojalgo",
        "kvcache,   org.filigree, filigree-attention, compile, edge kvcache -> attention",
        "moe,       org.filigree, filigree-mhc,       compile, edge moe -> mhc",
        "moe,       org.filigree, filigree-ojalgo,    compile, edge moe -> ojalgo",
        "moe,       org.filigree, filigree-engram,    test,    edge moe -> engram",
        "engram,    org.filigree, filigree-v4,        runtime, edge engram -> v4",
        "mhc,       com.acme,     gadget,             compile, mhc depends on com.acme:gadget",
        "gadget,    org.filigree, filigree-core,      compile, not a module of the design",
    })
    void forgedPomEdgeIsFound(String from, String group, String to, String scope, String told) {
        List<String> wrong = ModuleEdges.inPom("forged", pom(from, dependency(group, to, scope, "")));
        assertEquals(1, wrong.size());
        assertTrue(wrong.getFirst().contains(told), wrong::getFirst);
    }

    @ParameterizedTest
    @CsvSource({
        "attention, org.filigree, filigree-kvcache, compile",
        "moe,       org.filigree, filigree-core,    test",
        "moe,       org.filigree, filigree-ojalgo,  test",
        "ojalgo,    org.ojalgo,   ojalgo,           compile",
        "v4,        com.acme,     gadget,           compile",
    })
    void designedPomEdgeIsAccepted(String from, String group, String to, String scope) {
        assertEquals(List.of(), ModuleEdges.inPom("forged", pom(from, dependency(group, to, scope, ""))));
    }

    @Test
    void ownVersionIsFoundEvenInExamples() {
        String text = pom("v4", dependency("com.acme", "gadget", "compile", "<version>1</version>"));
        assertEquals(
                List.of("forged: gadget brings its own version; versions are managed in the root pom"),
                ModuleEdges.inPom("forged", text));
    }

    @Test
    void edgeInACommentIsNoEdge() {
        String text = pom("moe", "<!-- " + dependency("org.filigree", "filigree-mhc", "compile", "") + " -->");
        assertEquals(List.of(), ModuleEdges.inPom("forged", text));
    }

    @ParameterizedTest
    @CsvSource({
        "core,      requires org.filigree.kvcache;",
        "core,      requires transitive ojalgo;",
        "core,      requires org.jspecify;",
        "moe,       requires transitive org.filigree.engram;",
        "mhc,       requires static tools.jackson.databind;",
        "gadget,    requires java.base;",
    })
    void forgedDescriptorEdgeIsFound(String from, String requires) {
        String text = "module org.filigree." + from + " { " + requires + " }";
        assertEquals(1, ModuleEdges.inDescriptor("forged", text).size());
    }

    @ParameterizedTest
    @CsvSource({
        "core,      requires jdk.incubator.vector;",
        "core,      requires static org.jspecify;",
        "attention, requires transitive org.filigree.kvcache;",
        "ablation,  requires com.acme.gadget;",
    })
    void designedDescriptorEdgeIsAccepted(String from, String requires) {
        String text = "/** A module of its own. */ module org.filigree." + from + " { " + requires + " }";
        assertEquals(List.of(), ModuleEdges.inDescriptor("forged", text));
    }

    @ParameterizedTest
    @CsvSource({
        "tensor,         import org.filigree.core.backend.Backend;",
        "backend,        import static org.filigree.core.op.MatMul.matmul;",
        "backend.vector, import org.filigree.core.autograd.Tape;",
        "autograd,       import org.filigree.core.nn.Layer;",
        "op,             Object layer = new org.filigree.core.nn.Linear();",
        "nn,             import org.filigree.core.io.Safetensors;",
        "random,         import org.filigree.core.backend.Backend;",
        "gadget,         import org.filigree.core.tensor.Tensor;",
    })
    void forgedLayerEdgeIsFound(String layer, String line) {
        assertEquals(
                1,
                LayerEdges.inSource("forged", "package org.filigree.core." + layer + ";\n" + line)
                        .size());
    }

    @ParameterizedTest
    @CsvSource({
        "backend.vector, import org.filigree.core.backend.Backend;",
        "op,             import org.filigree.core.autograd.Tape;",
        "tensor,         /** See {@link org.filigree.core.op.MatMul}. */",
        "io,             import org.filigree.core.optim.AdamW;",
    })
    void designedLayerEdgeIsAccepted(String layer, String line) {
        assertEquals(List.of(), LayerEdges.inSource("forged", "package org.filigree.core." + layer + ";\n" + line));
    }

    private static String pom(String name, String dependencies) {
        return "<project><parent><artifactId>filigree</artifactId><version>1</version></parent><artifactId>filigree-"
                + name + "</artifactId><dependencies>" + dependencies + "</dependencies></project>";
    }

    private static String dependency(String group, String artifact, String scope, String more) {
        return "<dependency><groupId>" + group + "</groupId><artifactId>" + artifact + "</artifactId><scope>" + scope
                + "</scope>" + more + "</dependency>";
    }

    private static String shown(Path path) {
        return ROOT.relativize(path).toString();
    }

    /** Files of the working tree, without what builds and version control keep there. */
    private static List<Path> find(Predicate<Path> wanted) throws IOException {
        try (Stream<Path> files = Files.find(ROOT, 20, (path, attributes) -> attributes.isRegularFile())) {
            return files.filter(path -> !shown(path).matches("(.*/)?(target|\\..*)/.*"))
                    .filter(wanted)
                    .sorted()
                    .toList();
        }
    }
}
