package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** The program in the README, what it prints, and a check that both still stand there. */
class ReadmeExampleTest {
    private static final List<String> PRINTED = new ArrayList<>();

    /** Stands for {@code IO} in the program. */
    @SuppressWarnings("AvoidCommonTypeNames") // Captures what the program prints.
    private static final class IO {
        static void println(Object line) {
            PRINTED.add(String.valueOf(line));
        }
    }

    private static void program() {
        // README begins
        RowLayout layout = RowLayout.of("latent", 512).with("rotary key", 64).with("scorer key", 128);
        RowStorage storage = RowStorage.float32(layout)
                .with(TiledRows.V32_FP8_SPARSE, "latent", "rotary key")
                .with(TiledRows.fp8IndexKeys(128), "scorer key");
        int[] prompt = new int[200];
        try (Backend backend = Backends.best();
                BlockPool pool = BlockPoolConfig.of(100, 2, storage).init();
                PagedSequence first = pool.sequence(1000)) {
            List<Tensor> rows = List.of(
                    backend.tensors().full(Shape.of(200, 512), 1),
                    backend.tensors().full(Shape.of(200, 64), 2),
                    backend.tensors().full(Shape.of(200, 128), 3));
            for (int layer = 0; layer < 2; layer++) {
                KvCache cache = first.layer(layer);
                cache.append(cache.end(), rows);
            }
            first.truncate(198); // the last two tokens were guesses, and wrong
            first.publish(Arrays.copyOf(prompt, 198));

            PagedSequence second = pool.sequence(1000, prompt);
            IO.println(second.length() + " of 200 tokens are there already");
            CacheRows keys = second.layer(1).rows("latent", "rotary key");
            float[] tile = new float[2 * 576];
            keys.gather(new int[] {191, -1}, 0, 2, tile, 0);
            IO.println(tile[511] + " " + tile[512] + " " + tile[576]);
            IO.println(pool.memory());
        }
        // README ends
    }

    @Test
    void theReadmeShowsThisProgramAndWhatItPrints() throws IOException {
        PRINTED.clear();
        program();
        Path module = Path.of(System.getProperty("basedir", ""));
        String source = Files.readString(module.resolve("src/test/java/org/filigree/kvcache/ReadmeExampleTest.java"));
        String program =
                source.substring(source.indexOf("// README begins\n") + 17, source.indexOf("        // README ends"));
        String readme = Files.readString(module.resolve("README.md"));
        String shown =
                program.lines().map(line -> line.replaceFirst("^ {4}", "")).collect(Collectors.joining("\n"));
        assertTrue(readme.contains(shown), () -> "the README lacks\n" + shown);
        String output = String.join("\n", PRINTED);
        int start = readme.indexOf("```\n", readme.indexOf(shown) + shown.length()) + 4;
        start = readme.indexOf("```\n", start) + 4;
        assertEquals(output, readme.substring(start, readme.indexOf("\n```", start)));
    }
}
