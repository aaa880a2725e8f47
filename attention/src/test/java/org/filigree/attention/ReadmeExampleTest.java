package org.filigree.attention;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Slice.slice;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.filigree.attention.compressed.SourcedAttention;
import org.filigree.attention.compressed.SourcedAttentionConfig;
import org.filigree.attention.compressed.Sources;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Embedding;
import org.filigree.core.nn.EmbeddingConfig;
import org.filigree.core.nn.Initializer;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.BlockPool;
import org.filigree.kvcache.BlockPoolConfig;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheSnapshot;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheConfig;
import org.filigree.kvcache.PagedSequence;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SequenceCache;
import org.junit.jupiter.api.Test;

/** The programs in the README, what one of them prints, and a check that they still stand there, with what they import. */
class ReadmeExampleTest {
    private static final List<String> PRINTED = new ArrayList<>();

    /** Stands for {@code IO} in the programs. */
    @SuppressWarnings("AvoidCommonTypeNames") // Captures what the programs print.
    private static final class IO {
        static void println(Object line) {
            PRINTED.add(String.valueOf(line));
        }
    }

    private static void oneSequence() {
        // README begins
        try (Backend backend = Backends.best()) {
            LatentAttention attention =
                    LatentAttentionConfig.of(64, 4).withSelector(TopK.of(8)).init(backend, RandomStream.of(42));
            Tensor x = Initializer.normal(1).draw(backend, Shape.of(1, 20, 64), RandomStream.of(7));

            Tensor whole = attention.forward(x, Context.inference());
            try (SequenceCache sequence =
                    KvCacheConfig.of(128, 1, attention.rowLayout()).init()) {
                Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.layer(List.of(sequence), 0));
                attention.forward(slice(x, 1, 0, 19), context);
                Tensor last = attention.forward(slice(x, 1, 19, 20), context);
                IO.println(slice(slice(whole, 1, 19, 20), 2, 0, 4));
                IO.println(slice(last, 2, 0, 4));
                IO.println(sequence.memory());
            }
        }
        // README ends
    }

    private static void manyRequests() throws IOException {
        // README begins
        int[] shared = IntStream.range(0, 200).toArray(); // ids of the prompt that all requests begin with
        Path file = Files.createTempFile("conversation", ".cache");
        try (Backend backend = Backends.best()) {
            LatentAttention attention =
                    LatentAttentionConfig.of(128, 2).withSelector(TopK.of(32)).init(backend, RandomStream.of(42));
            Embedding embedding = EmbeddingConfig.of(1000, 128).init(backend, RandomStream.of(7));
            RowStorage rows = attention.fp8Storage(); // latent, rotary key and indexer's key
            try (BlockPool pool = BlockPoolConfig.of(32, 1, rows).init()) {
                try (PagedSequence prompt = pool.sequence(1000)) {
                    decode(attention, embedding, prompt.caches(), shared);
                    prompt.publish(shared); // whole blocks of 64 tokens
                }
                PagedSequence first = pool.sequence(1000, shared);
                PagedSequence second = pool.sequence(1000, shared);
                IO.println(first.length() + " of 200 tokens are there already");
                int[] rest = Arrays.copyOfRange(shared, first.length(), shared.length);
                decode(attention, embedding, first.caches(), rest);
                decode(attention, embedding, second.caches(), rest);
                decode(attention, embedding, second.caches(), 777, 778);

                PagedSequence other = first.fork(); // another answer to the same request
                decode(attention, embedding, first.caches(), 501);
                decode(attention, embedding, other.caches(), 601);

                decode(attention, embedding, other.caches(), 602, 603, 604, 605, 606); // guesses
                other.truncate(other.length() - 3); // three of them were wrong
                IO.println("lengths " + first.length() + ", " + second.length() + ", " + other.length());
                IO.println(pool.memory());

                CacheSnapshot.write(file, "README, request 1", other.caches());
                try (SequenceCache restored = KvCacheConfig.of(1000, 1, rows).init()) {
                    CacheSnapshot.restore(file, "README, request 1", restored);
                    float[] here =
                            decode(attention, embedding, other.caches(), 607).toFloats();
                    float[] there = decode(attention, embedding, restored, 607).toFloats();
                    IO.println(
                            "restored, it goes on " + (Arrays.equals(here, there) ? "to the same bits" : "otherwise"));
                }
            } finally {
                Files.deleteIfExists(file);
            }
        }
        // README ends
    }

    private static void layersThatReadFromEachOther() {
        // README begins
        try (Backend backend = Backends.best()) {
            RandomStream random = RandomStream.of(42);
            List<SourcedAttention> layers = new ArrayList<>();
            for (SourcedAttentionConfig config : SourcedAttentionConfig.layers(64, 4, 0, 2, 2, 1, 1)) {
                layers.add(config.init(backend, random.fork("layers." + layers.size())));
            }
            Tensor x = Initializer.normal(1).draw(backend, Shape.of(1, 20, 64), RandomStream.of(7));

            Tensor whole = pass(layers, x, List.of());
            List<KvCache> caches = layers.stream()
                    .map(layer -> layer.config().cacheLayout().init(100))
                    .toList();
            try (SequenceCache sequence = new SequenceCache(caches)) {
                pass(layers, slice(x, 1, 0, 19), caches);
                Tensor last = pass(layers, slice(x, 1, 19, 20), caches);
                IO.println(slice(slice(whole, 1, 19, 20), 2, 0, 4));
                IO.println(slice(last, 2, 0, 4));
                IO.println(sequence.length());
            }
        }
        // README ends
    }

    // README begins
    private static Tensor pass(List<SourcedAttention> layers, Tensor x, List<KvCache> caches) {
        Context context = Context.inference().with(Sources.KEY, new Sources()); // new for each pass
        Tensor y = x;
        for (int l = 0; l < layers.size(); l++) {
            Context here = caches.isEmpty() ? context : context.with(CacheBatch.KEY, CacheBatch.of(caches.get(l)));
            y = add(y, layers.get(l).forward(y, here));
        }
        return y;
    }
    // README ends

    // README begins
    private static Tensor decode(LatentAttention attention, Embedding embedding, SequenceCache sequence, int... ids) {
        Tensor tokens = Backend.of(embedding.weight().value()).tensors().ints(Shape.of(1, ids.length), ids);
        return attention.forward(
                embedding.forward(tokens),
                Context.inference().with(CacheBatch.KEY, CacheBatch.layer(List.of(sequence), 0)));
    }
    // README ends

    @Test
    void theReadmeShowsTheseProgramsAndWhatTheyPrint() throws IOException {
        PRINTED.clear();
        oneSequence();
        assertEquals(3, PRINTED.size());
        layersThatReadFromEachOther();
        assertEquals(6, PRINTED.size());
        assertEquals("20", PRINTED.getLast());
        PRINTED.clear();
        manyRequests();
        Path module = Path.of(System.getProperty("basedir", ""));
        String source = Files.readString(module.resolve("src/test/java/org/filigree/attention/ReadmeExampleTest.java"));
        String readme = Files.readString(module.resolve("README.md"));
        for (int begin = source.indexOf("// README begins\n"); begin > 0; ) {
            int end = source.indexOf("// README ends", begin);
            String shown = source.substring(source.indexOf('\n', begin) + 1, source.lastIndexOf('\n', end))
                    .replace("private static ", "")
                    .lines()
                    .map(line -> line.replaceFirst("^ {4}", ""))
                    .collect(Collectors.joining("\n"));
            assertTrue(readme.contains(shown), () -> "the README lacks\n" + shown);
            begin = source.indexOf("// README begins\n", end);
        }
        String program = readme.substring(readme.indexOf("## Many requests"));
        int start = program.indexOf("```\n", program.indexOf("```java")) + 4;
        start = program.indexOf("```\n", start) + 4;
        assertEquals(String.join("\n", PRINTED), program.substring(start, program.indexOf("\n```", start)));
        program.lines()
                .takeWhile(line -> !line.startsWith("void main"))
                .filter(line -> line.startsWith("import ") && !line.startsWith("import org.filigree.attention."))
                .forEach(line -> assertTrue(source.contains("\n" + line + "\n"), line));
    }
}
