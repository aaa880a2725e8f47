package org.filigree.v4;

import static org.filigree.core.op.CrossEntropy.crossEntropy;
import static org.filigree.core.op.Reshape.reshape;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.filigree.attention.LatentAttentionConfig;
import org.filigree.attention.TopK;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.EmbeddingConfig;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.optim.AdamWConfig;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.engram.EngramConfig;
import org.filigree.mhc.HyperConnections;
import org.filigree.mhc.Mixing;
import org.filigree.mhc.Streams;
import org.filigree.moe.MoeConfig;
import org.junit.jupiter.api.Test;

/** The program in the README at the top of the repository, and a check that it still is that program. */
class ReadmeExampleTest {
    private static final List<String> PRINTED = new ArrayList<>();

    /** Stands for {@code IO} in the program. */
    @SuppressWarnings("AvoidCommonTypeNames") // Captures what the program prints.
    private static final class IO {
        static void println(Object line) {
            PRINTED.add(String.valueOf(line));
        }
    }

    // README begins
    static void main() {
        int[] text = "the quick brown fox jumps over the lazy dog".chars().toArray();
        try (Backend backend = Backends.best()) {
            var random = RandomStream.of(42);
            var embedding = EmbeddingConfig.of(256, 64).init(backend, random.fork("embedding"));
            var memory = EngramConfig.forCode(64, 256).init(backend, random.fork("memory"));
            var attention =
                    LatentAttentionConfig.of(64, 4).withSelector(TopK.of(8)).init(backend, random.fork("attention"));
            var experts = MoeConfig.of(64, 8).withTopK(2).withShared(1).init(backend, random.fork("experts"));
            var block = HyperConnections.of(4, 64, Mixing.sinkhorn(20))
                    .around(attention)
                    .then(experts);
            var head = LinearConfig.of(64, 256).init(backend, random.fork("head"));
            var parameters = ParameterMap.empty()
                    .with("embed", embedding.parameters())
                    .with("memory", memory.parameters())
                    .with("block", block.parameters())
                    .with("head", head.parameters());
            var optimizer = AdamWConfig.standard().init(parameters);
            var tensors = backend.tensors();
            Tensor ids = tensors.ints(Shape.of(1, text.length), text);
            Tensor next = tensors.ints(Shape.of(text.length), next(text));
            for (int step = 0; step < 30; step++) {
                Tensor streams = memory.addTo(Streams.expand(embedding.forward(ids), 4), ids);
                streams = block.forward(streams, Context.training(ids));
                Tensor logits = reshape(head.forward(Streams.total(streams)), text.length, 256);
                Tensor loss = crossEntropy(logits, next);
                optimizer.step(Autograd.backward(loss), 0.003);
                if (step % 10 == 9) {
                    IO.println("step " + (step + 1) + ": loss " + loss.item());
                }
            }
        }
    }

    /** The byte after each; -1, no target, after the last. */
    static int[] next(int[] text) {
        int[] next = Arrays.copyOfRange(text, 1, text.length + 1);
        next[text.length - 1] = -1;
        return next;
    }
    // README ends

    @Test
    void learnsASentenceByHeart() {
        main();
        assertEquals(3, PRINTED.size(), PRINTED::toString);
        String last = PRINTED.getLast();
        assertTrue(last.startsWith("step 30: loss "), last);
        assertTrue(Double.parseDouble(last.substring(last.lastIndexOf(' '))) < 0.5, last);
    }

    @Test
    void theReadmeShowsThisVeryProgram() throws IOException {
        Path root = Path.of(Objects.requireNonNull(System.getProperty("filigree.root")));
        String source =
                Files.readString(root.resolve("examples/v4/src/test/java/org/filigree/v4/ReadmeExampleTest.java"));
        String begin = "// README begins\n";
        String program = source.substring(source.indexOf(begin) + begin.length(), source.indexOf("    // README ends"));
        String readme = Files.readString(root.resolve("README.md"));
        assertTrue(
                readme.contains("public final class Main {\n" + program + "}\n"), "the README shows another program");
    }
}
