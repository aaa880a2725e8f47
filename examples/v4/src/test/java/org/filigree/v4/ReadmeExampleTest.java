package org.filigree.v4;

import static org.filigree.core.op.CrossEntropy.crossEntropy;
import static org.filigree.core.op.Reshape.reshape;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Collectors;
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
    private static double lastLoss;

    private static void program(int[] text) {
        // README begins
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
                lastLoss = loss.item();
            }
        }
        // README ends
    }

    /** The byte after each; none after the last. */
    private static int[] next(int[] text) {
        int[] next = new int[text.length];
        System.arraycopy(text, 1, next, 0, text.length - 1);
        next[text.length - 1] = -1;
        return next;
    }

    @Test
    void learnsASentenceByHeart() {
        program("the quick brown fox jumps over the lazy dog".chars().toArray());
        assertTrue(lastLoss < 0.5, "the loss is " + lastLoss + " nats after thirty steps");
    }

    @Test
    void theReadmeShowsThisVeryProgram() throws IOException {
        Path root = Path.of(Objects.requireNonNull(System.getProperty("filigree.root")));
        String source =
                Files.readString(root.resolve("examples/v4/src/test/java/org/filigree/v4/ReadmeExampleTest.java"));
        String program =
                source.substring(source.indexOf("// README begins\n") + 17, source.indexOf("        // README ends"));
        String readme = Files.readString(root.resolve("README.md"));
        int start = readme.indexOf("```java\n") + 8;
        assertEquals(
                program.lines().map(line -> line.replaceFirst("^ {8}", "")).collect(Collectors.joining("\n")),
                readme.substring(start, readme.indexOf("\n```", start)));
    }
}
