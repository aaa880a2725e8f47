package org.filigree.v4;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the READMEs show with imports compiles as it stands, and the build file names what exists. */
class ReadmeProgramsTest {
    private static final Path ROOT = Path.of(Objects.requireNonNull(System.getProperty("filigree.root")));
    private static final Pattern BLOCK =
            Pattern.compile("^```(java|xml)\\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL);

    @TempDir
    Path folder;

    private static List<String> blocks(String readme, String language) throws IOException {
        return BLOCK.matcher(Files.readString(ROOT.resolve(readme)))
                .results()
                .filter(block -> block.group(1).equals(language))
                .map(block -> block.group(2))
                .toList();
    }

    @Test
    void whatTheReadmesShowWithImportsCompiles() throws Exception {
        var sources = new ArrayList<String>();
        for (String module : List.of("", "core/", "kvcache/", "attention/", "moe/", "engram/", "mhc/")) {
            List<String> programs = blocks(module + "README.md", "java").stream()
                    .filter(block -> block.startsWith("import "))
                    .toList();
            assertFalse(programs.isEmpty(), module + "README.md shows no program with its imports");
            for (String program : programs) {
                boolean whole = program.contains("class Main");
                Path file = folder.resolve(whole ? "Main.java" : "Program" + sources.size() + ".java");
                // Methods alone are a program to the compiler once there is a main.
                Files.writeString(file, program.contains("void main(") ? program : program + "void main() {}\n");
                sources.add(file.toString());
            }
        }
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "javac").toString(),
                "-proc:none",
                "-p",
                Objects.requireNonNull(System.getProperty("jdk.module.path")),
                "--add-modules",
                "org.filigree.v4",
                "-d",
                folder.resolve("classes").toString()));
        command.addAll(sources);
        Process compiler = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said;
        try (var output = compiler.inputReader()) {
            said = output.readAllAsString();
        }
        assertEquals(0, compiler.waitFor(), said);
    }

    @Test
    void theBuildFileNamesWhatThisBuildMakes() throws IOException {
        String parent = Files.readString(ROOT.resolve("pom.xml"));
        String build = blocks("README.md", "xml").getFirst();
        String version = first("<version>([^<]+)</version>", parent);
        assertTrue(build.contains("<artifactId>filigree</artifactId>\n        <version>" + version + "<"), version);
        Pattern.compile("<artifactId>(filigree-[^<]+)<")
                .matcher(build)
                .results()
                .forEach(found -> assertTrue(parent.contains(found.group()), found.group()));
        assertTrue(build.contains("<maven.compiler.release>" + first("<release>(\\d+)</release>", parent) + "<"));
    }

    private static String first(String pattern, String text) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .findFirst()
                .orElseThrow()
                .group(1);
    }
}
