package org.filigree.attention;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.api.Test;

class SelectorProperties {
    /** Few values, so that ties abound; NaN and infinities among them. */
    private static float[] scores(int size, long seed) {
        float[] palette = {-1, 0, 0, 1, 2, Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY};
        RandomStream random = RandomStream.of(seed);
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = palette[random.nextInt(palette.length)];
        }
        return values;
    }

    @Property
    void topKIsTheHeadOfAStableSort(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 3) int batch,
            @ForAll @IntRange(min = 1, max = 6) int tokens,
            @ForAll @IntRange(min = 0, max = 9) int earlier,
            @ForAll @IntRange(min = 1, max = 20) int k,
            @ForAll long seed) {
        int keys = tokens + earlier;
        float[] scores = scores(batch * tokens * keys, seed);
        Tensor tensor = backend.tensors().floats(Shape.of(batch, tokens, keys), scores);
        Tensor chosen = TopK.of(k).select(tensor, Visibility.causal(tokens, keys));
        int width = Math.min(k, keys);
        assertEquals(Shape.of(batch, tokens, width), chosen.shape());
        int[] actual = chosen.toInts();
        for (int row = 0; row < batch * tokens; row++) {
            int offset = row * keys;
            // NaN counts as −∞ here.
            Comparator<Integer> descending = Comparator.comparingDouble(
                    j -> Float.isNaN(scores[offset + j]) ? Float.POSITIVE_INFINITY : -scores[offset + j]);
            int[] expected = new int[width];
            Arrays.fill(expected, -1);
            List<Integer> sorted = IntStream.rangeClosed(0, earlier + row % tokens)
                    .boxed()
                    .sorted(descending)
                    .toList();
            for (int i = 0; i < Math.min(width, sorted.size()); i++) {
                expected[i] = sorted.get(i);
            }
            assertArrayEquals(expected, Arrays.copyOfRange(actual, row * width, (row + 1) * width));
        }
    }

    @Property(tries = 30)
    void allChoosesWhatIsVisible(
            @ForAll @IntRange(min = 0, max = 5) int tokens, @ForAll @IntRange(min = 0, max = 5) int earlier) {
        int keys = tokens + earlier;
        Backend backend = TestBackends.get("scalar");
        int[] chosen = new All()
                .select(backend.tensors().zeros(Shape.of(2, tokens, keys)), Visibility.causal(tokens, keys))
                .toInts();
        for (int i = 0; i < chosen.length; i++) {
            int key = i % keys;
            assertEquals(key <= earlier + i / keys % tokens ? key : -1, chosen[i]);
        }
    }

    @Property(tries = 20)
    void anyVisibilityWillDo(@ForAll @Size(min = 1, max = 5) List<@IntRange(min = 0, max = 6) Integer> visible) {
        Backend backend = TestBackends.get("vector");
        int[] chosen = TopK.of(2)
                .select(backend.tensors().zeros(Shape.of(1, visible.size(), 6)), visible::get)
                .toInts();
        for (int t = 0; t < visible.size(); t++) {
            assertEquals(visible.get(t) > 0 ? 0 : -1, chosen[2 * t]);
            assertEquals(visible.get(t) > 1 ? 1 : -1, chosen[2 * t + 1]);
        }
    }

    @Test
    void refusals() {
        assertThrows(IllegalArgumentException.class, () -> TopK.of(0));
        assertThrows(IllegalArgumentException.class, () -> Visibility.causal(3, 2));
    }
}
