package org.filigree.attention.compressed;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.KvCache;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class HierarchyTest {
    /** The preset with smaller numbers: a window of 4, a summary every 8 tokens. */
    private static CompressedAttention small(Backend backend) {
        CompressedAttentionConfig config = CompressedAttentionConfig.hierarchical(8, 2)
                .withWindow(4)
                .withCompression(new Compression.Disjoint(8), new EntryChoice.Every());
        return config.init(backend, RandomStream.of(4));
    }

    private static Tensor tokens(Backend backend, int count) {
        return Sample.gaussian("x", RandomStream.of(5), 1, count, 8).on(backend);
    }

    private static Context remembering(Tensor memories) {
        return Context.training().with(MemoryHook.KEY, question -> new MemoryHook.Recalled(memories, 0));
    }

    @Test
    void aMillionTokensAreAFewThousandKeys() {
        CompressedAttentionConfig config = CompressedAttentionConfig.hierarchical(64, 4);
        assertEquals(4096, config.window());
        int million = 1 << 20;
        assertEquals(32, config.compression().entries(million));
        assertEquals(16, config.compression().entries(million / 2));
        try (KvCache cache = config.cacheLayout().initSliding(million, 16)) {
            assertEquals(million, cache.capacity());
            // Key, value and logit of the last run's tokens, and the entries: the same at any length but for 32
            // entries.
            long floats = (32768L + 16) * 3 * 32 + 32 * 32;
            assertTrue(
                    cache.memory().reservedBytes() <= 1.01 * floats * Float.BYTES,
                    cache.memory().toString());
        }
    }

    @ParameterizedTest
    @EveryBackend
    void nothingIsFarAwayButInSummary(Backend backend) {
        CompressedAttention layer = small(backend);
        Tensor x = Autograd.leaf(tokens(backend, 15));
        Tensor last = Slice.slice(layer.forward(x, Context.training()), 1, 14, 15);
        double[] gradient = Autograd.backward(last, backend.tensors().full(last.shape(), 1))
                .of(x)
                .toDoubles();
        for (int t = 0; t < 15; t++) {
            boolean reached = false;
            for (int c = 0; c < 8; c++) {
                reached |= gradient[t * 8 + c] != 0;
            }
            // Tokens 0 to 7 through their summary, 11 to 14 through the window, 8 to 10 not yet and no longer.
            assertEquals(t < 8 || t > 10, reached, "token " + t);
        }
    }

    @ParameterizedTest
    @EveryBackend
    void memoriesJoinTheSoftmaxAndLearn(Backend backend) {
        CompressedAttention layer = small(backend);
        Tensor x = tokens(backend, 11);
        Tensor plain = layer.forward(x, Context.training());
        int head = layer.config().head().head();
        Tensor nothing = backend.tensors().zeros(Shape.of(1, 0, head));
        assertArrayEquals(
                plain.toDoubles(), layer.forward(x, remembering(nothing)).toDoubles());
        Tensor memories = Autograd.leaf(
                Sample.gaussian("memories", RandomStream.of(6), 1, 3, head).on(backend));
        Tensor y = layer.forward(x, remembering(memories));
        Gradients gradients = Autograd.backward(y, backend.tensors().full(y.shape(), 1));
        for (double value : gradients.of(memories).toDoubles()) {
            assertTrue(value != 0);
        }
    }

    @ParameterizedTest
    @EveryBackend
    void decodesWithMemoriesAsAtOnce(Backend backend) {
        CompressedAttention layer = small(backend);
        Tensor x = tokens(backend, 19);
        Tensor memories = Sample.gaussian(
                        "memories",
                        RandomStream.of(6),
                        1,
                        2,
                        layer.config().head().head())
                .on(backend);
        MemoryHook hook = question -> new MemoryHook.Recalled(memories, 0);
        Tensor whole = layer.forward(x, Context.inference().with(MemoryHook.KEY, hook));
        try (KvCache cache = layer.config().cacheLayout().initSliding(19, 0)) {
            Context context = Context.inference().with(MemoryHook.KEY, hook).with(CacheBatch.KEY, CacheBatch.of(cache));
            for (int t = 0; t < 19; t++) {
                assertClose(
                        "token " + t,
                        Slice.slice(whole, 1, t, t + 1),
                        layer.forward(Slice.slice(x, 1, t, t + 1), context),
                        Tolerance.float32(32).times(8).withFloor(1));
            }
        }
    }

    @Test
    void theHookIsToldWhoAsks() {
        Backend backend = TestBackends.get("scalar");
        CompressedAttention layer = small(backend);
        MemoryHook hook = question -> {
            assertEquals(layer, question.layer());
            assertEquals(Shape.of(1, 5, 8), question.x().shape());
            assertEquals(0, question.start());
            return new MemoryHook.Recalled(
                    backend.tensors().zeros(Shape.of(1, 0, layer.config().head().head())), 0);
        };
        layer.forward(tokens(backend, 5), Context.inference().with(MemoryHook.KEY, hook));
    }

    /** A hook is asked before anything is appended, so a bad answer leaves the cache as it was. */
    @Test
    void aHookThatGivesNoKeysOrOthersIsRefusedByName() {
        Backend backend = TestBackends.get("scalar");
        CompressedAttention layer = small(backend);
        int head = layer.config().head().head();
        Tensor two = backend.tensors().zeros(Shape.of(2, 1, head));
        Tensor wide = backend.tensors().zeros(Shape.of(1, 1, head + 1));
        Tensor ids = backend.tensors().ints(Shape.of(1, 1, head), new int[head]);
        assertRefused(IllegalArgumentException.class, layer, "hook of nothing answered null", new Answering(null));
        for (Tensor keys : List.of(two, wide, ids)) {
            String wanted = "must be FLOAT32 [1, memories, " + head + "]";
            var answer = new Answering(new MemoryHook.Recalled(keys, 0));
            assertRefused(ShapeException.class, layer, wanted, answer);
            assertRefused(ShapeException.class, layer, keys.dtype() + " " + keys.shape(), answer);
        }
    }

    private static void assertRefused(
            Class<? extends RuntimeException> type, CompressedAttention layer, String wanted, MemoryHook hook) {
        Tensor x = tokens(TestBackends.get("scalar"), 3);
        try (KvCache cache = layer.config().cacheLayout().initSliding(19, 0)) {
            Context context = Context.inference().with(MemoryHook.KEY, hook);
            for (Context each : List.of(context, context.with(CacheBatch.KEY, CacheBatch.of(cache)))) {
                String message = String.valueOf(
                        assertThrows(type, () -> layer.forward(x, each)).getMessage());
                assertTrue(message.contains(wanted) && message.contains("hook of nothing"), message);
            }
            assertEquals(0, cache.length());
        }
    }

    /** Says what it was told to. */
    private record Answering(MemoryHook.@Nullable Recalled answer) implements MemoryHook {
        @Override
        @SuppressWarnings("NullAway") // What a hook from unchecked code may do.
        public Recalled recall(Question question) {
            return answer;
        }

        @Override
        public String toString() {
            return "hook of nothing";
        }
    }
}
