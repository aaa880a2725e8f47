package org.filigree.attention;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.List;
import java.util.stream.Stream;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Evaluation;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TensorFunction;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheConfig;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SequenceCache;
import org.filigree.kvcache.TiledRows;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Same operands, same bits, whatever the number of threads and whether or not the loops are compiled yet. */
class KernelThreadsTest {
    private static final String THREADS = "filigree.vector.threads";
    private static final RandomStream RANDOM = RandomStream.of(3);

    @AfterEach
    void forgetThreads() {
        System.clearProperty(THREADS);
    }

    /** One key head, so that its queries are cut into parts whose gradients of keys are summed. */
    @Test
    void denseAttention() {
        sameBits(
                List.of(
                        Sample.gaussian("q", RANDOM, 1, 190, 3, 40),
                        Sample.gaussian("k", RANDOM, 1, 200, 1, 40),
                        Sample.gaussian("v", RANDOM, 1, 200, 1, 33),
                        Sample.gaussian("sinks", RANDOM, 3)),
                t -> both(ScaledDotProductAttention.attend(
                        DenseAttentionInput.causal(t.get(0), t.get(1), t.get(2)).withSinks(t.get(3)))));
    }

    /** Few queries, so that the keys are cut into parts which are joined, some of them without a key in sight. */
    @Test
    void decodingOverAllKeys() {
        for (KeySpan span : List.of(KeySpan.causal(2, 1001), KeySpan.window(2, 1001, 300))) {
            sameBits(
                    List.of(
                            Sample.gaussian("q", RANDOM, 1, 2, 10, 40),
                            Sample.gaussian("k", RANDOM, 1, 1001, 2, 40),
                            Sample.gaussian("v", RANDOM, 1, 1001, 2, 33),
                            Sample.gaussian("sinks", RANDOM, 10)),
                    t -> both(ScaledDotProductAttention.attend(DenseAttentionInput.causal(t.get(0), t.get(1), t.get(2))
                            .withSpan(span)
                            .withSinks(t.get(3)))));
        }
    }

    /** Few tokens of many keys, cut into parts, and many tokens that share keys. */
    @Test
    void sparseAttention() {
        for (int tokens : new int[] {2, 40}) {
            sameBits(
                    List.of(
                            Sample.gaussian("q", RANDOM, 1, tokens, 5, 40),
                            Sample.gaussian("kv", RANDOM, 1, 300, 40),
                            Sample.gaussian("sinks", RANDOM, 5),
                            Sample.indices("indices", RANDOM, -1, 300, 1, tokens, 1100)),
                    t -> both(SparseAttention.gathered()
                            .attend(AttentionInput.of(t.get(0), t.get(1), t.get(3))
                                    .withValueWidth(33)
                                    .withSinks(t.get(2)))));
        }
    }

    @Test
    void indexScores() {
        sameBits(
                List.of(
                        Sample.gaussian("q", RANDOM, 2, 11, 5, 33),
                        Sample.gaussian("w", RANDOM, 2, 11, 5),
                        Sample.gaussian("k", RANDOM, 2, 1000, 33)),
                t -> List.of(IndexScores.of(t.get(0), t.get(1), t.get(2))));
    }

    @Test
    void indexScoresOverACache() {
        try (SequenceCache cache = KvCacheConfig.of(
                        1000, 1, RowStorage.float32(RowLayout.of("key", 32)).with(TiledRows.fp8IndexKeys(32), "key"))
                .init()) {
            cache.layer(0)
                    .append(
                            cache.layer(0).end(),
                            List.of(Sample.gaussian("k", RANDOM, 1000, 32)
                                    .on(TestBackends.all("scalar").getFirst())));
            sameBits(
                    List.of(Sample.gaussian("q", RANDOM, 140, 5, 32), Sample.gaussian("w", RANDOM, 140, 5)),
                    t -> List.of(
                            IndexScores.of(t.get(0), t.get(1), cache.layer(0).rows())));
        }
    }

    /** One token of many keys, cut into parts that are joined. */
    @Test
    void attentionOverACache() {
        TiledRows format = TiledRows.V32_FP8_SPARSE;
        RowLayout layout = RowLayout.of("latent", format.coded()).with("rotary", format.rotary());
        try (SequenceCache cache = KvCacheConfig.of(
                        3000, 1, RowStorage.float32(layout).with(format, "latent", "rotary"))
                .init()) {
            Backend scalar = TestBackends.get("scalar");
            cache.layer(0)
                    .append(
                            cache.layer(0).end(),
                            List.of(
                                    Sample.gaussian("latent", RANDOM, 3000, format.coded())
                                            .on(scalar),
                                    Sample.gaussian("rotary", RANDOM, 3000, format.rotary())
                                            .on(scalar)));
            Sample q = Sample.gaussian("q", RANDOM, 1, 16, format.width());
            sameBits(List.of(q, Sample.indices("chosen", RANDOM, -1, 3000, 1, 2048)), t -> {
                Tensor queries = Autograd.detach(t.get(0));
                return both(CachedAttention.attend(new CachedAttentionInput(
                        queries, cache.layer(0).rows(), format.coded(), t.get(1), 0.05, null)));
            });
        }
    }

    private static List<Tensor> both(Attended attended) {
        return List.of(attended.output(), attended.logSumExp());
    }

    private static void sameBits(List<Sample> inputs, TensorFunction function) {
        float[][] expected = onThreads(1, inputs, function);
        assertArrayEquals(expected, onThreads(2, inputs, function));
        assertArrayEquals(expected, onThreads(3, inputs, function));
    }

    private static float[][] onThreads(int threads, List<Sample> inputs, TensorFunction function) {
        System.setProperty(THREADS, String.valueOf(threads));
        try (Backend backend = Backends.open("vector")) {
            Evaluation evaluation = Evaluation.of(backend, inputs, function);
            return Stream.concat(evaluation.outputs().stream(), evaluation.gradients().values().stream())
                    .map(Tensor::toFloats)
                    .toArray(float[][]::new);
        }
    }
}
