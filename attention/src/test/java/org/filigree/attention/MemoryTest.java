package org.filigree.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.filigree.attention.AttentionInHeap.Way;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Memory linear in length, forward and backward: a process with a heap of 48 MiB attends over 4096 tokens, one of 104 over 8192. Their
 * matrices of logits would be 64 and 256 MiB, and even the causal half of weights, kept for the backward pass, 32 and 128 beside the
 * tiles.
 */
class MemoryTest {
    @ParameterizedTest
    @CsvSource({
        "vector, CAUSAL, 4096, 48",
        "vector, CAUSAL, 8192, 104",
        "scalar, CAUSAL, 4096, 48",
        "scalar, CAUSAL, 8192, 104",
        "scalar, CHOSEN, 4096, 48",
        "scalar, MASKED, 4096, 48",
    })
    void attendsInAHeapThatNoMatrixWouldFitInto(String backend, Way way, int tokens, int mebibytes) throws Exception {
        assertEquals("fits", run(AttentionInHeap.class, backend, way.name(), tokens, mebibytes));
    }

    /** Scores of all tokens and all keys would take 309 MiB at least, whether they are computed or zeros that nobody looks at. */
    @ParameterizedTest
    @CsvSource({"vector, WINDOW, 16384", "vector, BEST, 12000", "vector, CANDIDATES, 9000", "scalar, WINDOW, 16384"})
    void choosesInAHeapThatNoScoresOfAWholePromptWouldFitInto(String backend, String choice, int tokens)
            throws Exception {
        assertEquals("fits", run(PromptInHeap.class, backend, choice, tokens, 192));
    }

    /**
     * Dense attention over 32 768 cached tokens, 72 MiB as floats, and, in the expanded form, over 16 384 of which 16 heads make 80 MiB
     * of keys and values: neither would fit.
     */
    @Test
    void aCacheIsNeverWidened() throws Exception {
        String decoding = """
                vector
                FP8 PAGED 32768 1 16 ABSORBED
                FP8 CONTIGUOUS 32768 4 128 ABSORBED
                FLOAT32 PAGED 32768 4 16 ABSORBED
                FLOAT32 CONTIGUOUS 32768 1 128 ABSORBED
                """;
        String passing = """
                vector
                FP8 PAGED 32768 256 2 ABSORBED
                FP8 PAGED 16384 256 16 EXPANDED
                """;
        assertEquals("fits", run(36, CacheInHeap.class, decoding.split("\\s+")));
        assertEquals("fits", run(72, CacheInHeap.class, passing.split("\\s+")));
        assertEquals("fits", run(36, CacheInHeap.class, "scalar FP8 PAGED 16384 1 2 ABSORBED".split(" ")));
    }

    /** What the others are measured by: that a matrix does not fit. */
    @Test
    void aMatrixDoesNotFit() throws Exception {
        String said = run(AttentionInHeap.class, "vector", Way.MATRIX.name(), 4096, 64);
        assertTrue(said.contains("OutOfMemoryError"), said);
    }

    /** 50 000² logits would not fit into an array; a window keeps the work small. */
    @Test
    void aMatrixOfAllQueriesAndKeysIsNeverMade() {
        int tokens = 50_000;
        for (Backend backend : TestBackends.all("scalar, vector")) {
            Tensor q = backend.tensors().full(Shape.of(1, tokens, 1, 1), 1);
            Attended attended = ScaledDotProductAttention.attend(
                    DenseAttentionInput.causal(q, q, q).withSpan(KeySpan.window(tokens, tokens, 2)));
            float[] sums = attended.logSumExp().toFloats();
            assertTrue(Math.abs(sums[tokens - 1] - (1 + Math.log(2))) < 1e-6, () -> "two keys of logit 1: " + sums[1]);
        }
    }

    private static String run(Class<?> program, String backend, String way, int tokens, int mebibytes)
            throws IOException, InterruptedException, URISyntaxException {
        return run(mebibytes, program, backend, way, String.valueOf(tokens));
    }

    private static String run(int mebibytes, Class<?> program, String... arguments)
            throws IOException, InterruptedException, URISyntaxException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + mebibytes + "m",
                "-XX:+UseSerialGC",
                "--add-modules",
                "jdk.incubator.vector",
                "-Dfiligree.vector.threads=2",
                "-cp",
                classPath(),
                program.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(process.waitFor(1, TimeUnit.MINUTES), said);
            return process.exitValue() == 0 ? "fits" : said;
        } finally {
            process.destroyForcibly();
        }
    }

    /** What this process runs on, whether as modules or as classes, and its test classes. */
    private static String classPath() throws URISyntaxException {
        return Stream.of(
                        root(AttentionInHeap.class).toString(),
                        System.getProperty("jdk.module.path", ""),
                        System.getProperty("java.class.path", ""))
                .filter(path -> !path.isEmpty())
                .collect(Collectors.joining(System.getProperty("path.separator")));
    }

    /** The folder of classes that a class was loaded from, also where the test classes patch the module. */
    private static Path root(Class<?> type) throws URISyntaxException {
        URI place = Objects.requireNonNull(type.getResource(type.getSimpleName() + ".class"))
                .toURI();
        Path root = Path.of(place);
        for (int i = 0; i < type.getName().split("\\.").length; i++) {
            root = Objects.requireNonNull(root.getParent());
        }
        return root;
    }
}
