package org.filigree.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.TiledRows;
import org.junit.jupiter.params.ParameterizedTest;

/**
 * What a NaN in a key does. Every query that attends to the key gives NaN and no finite number. Where keys are read one by one no other
 * query does; where hidden keys are multiplied by 0 others of the same sequence may, but never those of another sequence.
 */
class NanKeysTest {
    private static final int TOKENS = 37;
    private static final int HEADS = 3;
    private static final int WIDTH = 20;
    private static final int BROKEN = 17;
    private static final int CHOSEN = 6;

    private static Tensor queries(Backend backend) {
        return Sample.gaussian("q", RandomStream.of(1), 2, TOKENS, HEADS, WIDTH).on(backend);
    }

    /** Of the first of two sequences, the key of one token has one NaN. */
    private static float[] keys(Backend backend, int channel) {
        float[] values = Sample.gaussian("k", RandomStream.of(2), 2, TOKENS, WIDTH)
                .on(backend)
                .toFloats();
        values[BROKEN * WIDTH + channel] = Float.NaN;
        return values;
    }

    /** Every query names the keys up to its own, so that some name the broken one and others do not. */
    private static int[] neighbours() {
        int[] indices = new int[2 * TOKENS * CHOSEN];
        for (int i = 0; i < indices.length; i++) {
            indices[i] = Math.max(-1, i / CHOSEN % TOKENS - i % CHOSEN);
        }
        return indices;
    }

    /** How many numbers of a token's outputs and sums are NaN. */
    private static int nans(Attended attended, int token) {
        return nans(attended.output(), token) + nans(attended.logSumExp(), token);
    }

    private static int nans(Tensor numbers, int token) {
        float[] values = numbers.toFloats();
        int tokens = numbers.dim(0) == TOKENS ? TOKENS : 2 * TOKENS;
        int width = values.length / tokens;
        int count = 0;
        for (float value : Arrays.copyOfRange(values, token * width, (token + 1) * width)) {
            count += Float.isNaN(value) ? 1 : 0;
        }
        return count;
    }

    /** Nothing of those that did not choose the key, everything of the others. */
    private static void assertExact(String form, Attended attended, int tokens) {
        for (int t = 0; t < tokens; t++) {
            boolean chose = t >= BROKEN && t < BROKEN + CHOSEN;
            assertEquals(chose ? HEADS * (WIDTH + 1) : 0, nans(attended, t), form + ", NaN of token " + t);
        }
    }

    /** At least those that see the key, and nobody of the other sequence. */
    private static void assertSeen(String form, Attended attended, int to, int numbers) {
        for (int t = BROKEN; t < to; t++) {
            assertEquals(numbers, nans(attended, t), form + ", NaN of token " + t);
        }
        for (int t = TOKENS; t < 2 * TOKENS; t++) {
            assertEquals(0, nans(attended, t), form + ", NaN of the other sequence's token " + (t - TOKENS));
        }
    }

    @ParameterizedTest
    @EveryBackend
    void chosenKeys(Backend backend) {
        for (int channel : new int[] {0, WIDTH - 1}) {
            AttentionInput input = AttentionInput.of(
                    queries(backend),
                    backend.tensors().floats(Shape.of(2, TOKENS, WIDTH), keys(backend, channel)),
                    backend.tensors().ints(Shape.of(2, TOKENS, CHOSEN), neighbours()));
            assertExact("gathered", SparseAttention.gathered().attend(input), 2 * TOKENS);
            assertSeen("masked", SparseAttention.masked().attend(input), BROKEN + CHOSEN, HEADS * (WIDTH + 1));
            assertSeen("cheaper", SparseAttention.cheaper().attend(input), BROKEN + CHOSEN, HEADS * (WIDTH + 1));
        }
    }

    @ParameterizedTest
    @EveryBackend
    void chosenRowsOfACache(Backend backend) {
        RowLayout layout = RowLayout.of("key", WIDTH);
        RowStorage rounded = RowStorage.float32(layout).with(TiledRows.fp8IndexKeys(WIDTH), "key");
        for (RowStorage storage : List.of(RowStorage.float32(layout), RowStorage.bfloat16(layout), rounded)) {
            try (KvCache cache = new ContiguousKvCache(storage, TOKENS)) {
                float[] first = Arrays.copyOf(keys(backend, 3), TOKENS * WIDTH);
                cache.append(cache.end(), List.of(backend.tensors().floats(Shape.of(TOKENS, WIDTH), first)));
                Tensor q = backend.tensors()
                        .floats(
                                Shape.of(TOKENS, HEADS, WIDTH),
                                Arrays.copyOf(queries(backend).toFloats(), TOKENS * HEADS * WIDTH));
                Tensor chosen =
                        backend.tensors().ints(Shape.of(TOKENS, CHOSEN), Arrays.copyOf(neighbours(), TOKENS * CHOSEN));
                Attended attended =
                        CachedAttention.attend(new CachedAttentionInput(q, cache.rows(), WIDTH, chosen, 0.2, null));
                assertExact(storage.toString(), attended, TOKENS);
            }
        }
    }

    @ParameterizedTest
    @EveryBackend
    void denseKeysAndValues(Backend backend) {
        for (int channel : new int[] {0, WIDTH - 1}) {
            Shape shape = Shape.of(2, TOKENS, 1, WIDTH);
            Tensor broken = backend.tensors().floats(shape, keys(backend, channel));
            Tensor whole = Sample.gaussian("v", RandomStream.of(3), 2, TOKENS, 1, WIDTH)
                    .on(backend);
            var ofKeys = DenseAttentionInput.causal(queries(backend), broken, whole);
            assertSeen("keys", ScaledDotProductAttention.attend(ofKeys), TOKENS, HEADS * (WIDTH + 1));
            var ofValues = DenseAttentionInput.causal(queries(backend), whole, broken);
            assertSeen("values", ScaledDotProductAttention.attend(ofValues), TOKENS, HEADS);
        }
    }
}
