package org.filigree.attention;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.api.Test;

class BlockSelectorProperties {
    /** Few values, so that blocks tie; NaN and −∞ among them. Sums of them are exact. */
    private static float[] scores(int size, long seed) {
        float[] palette = {-1, 0, 0, 1, 2, 0.5f, Float.NaN, Float.NEGATIVE_INFINITY};
        RandomStream random = RandomStream.of(seed);
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = palette[random.nextInt(palette.length)];
        }
        return values;
    }

    @Property
    void blocksAgreeWithPlainLoops(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 2) int batch,
            @ForAll @IntRange(min = 1, max = 5) int tokens,
            @ForAll @IntRange(min = 0, max = 12) int earlier,
            @ForAll @IntRange(min = 1, max = 4) int blocks,
            @ForAll @IntRange(min = 1, max = 5) int width,
            @ForAll TopBlocks.Worth worth,
            @ForAll long seed) {
        int keys = tokens + earlier;
        float[] scores = scores(batch * tokens * keys, seed);
        Tensor tensor = backend.tensors().floats(Shape.of(batch, tokens, keys), scores);
        var selector = new TopBlocks(blocks, width, worth);
        Visibility visibility = Visibility.causal(tokens, keys);
        int[] chosen = selector.select(tensor, visibility).toInts();
        float[] mask = selector.mask(selector.chosen(tensor, visibility), keys).toFloats();
        int per = chosen.length / batch / tokens;
        for (int row = 0; row < batch * tokens; row++) {
            int visible = earlier + row % tokens + 1;
            List<Integer> expected = expected(Arrays.copyOfRange(scores, row * keys, row * keys + visible), selector);
            List<Integer> found = Arrays.stream(chosen, row * per, (row + 1) * per)
                    .filter(key -> key >= 0)
                    .boxed()
                    .toList();
            assertEquals(new TreeSet<>(expected), new TreeSet<>(found));
            assertEquals(expected.size(), found.size(), "no key twice");
            for (int key = 0; key < visible; key++) {
                assertEquals(expected.contains(key) ? 1 : 0, mask[row * keys + key]);
            }
        }
    }

    private static List<Integer> expected(float[] visible, TopBlocks selector) {
        int width = selector.width();
        int count = (visible.length + width - 1) / width;
        double[] worth = new double[count];
        for (int b = 0; b < count; b++) {
            double[] finite = IntStream.range(b * width, Math.min(visible.length, (b + 1) * width))
                    .mapToDouble(key -> visible[key])
                    .filter(score -> score > Double.NEGATIVE_INFINITY)
                    .toArray();
            worth[b] = (selector.worth() == TopBlocks.Worth.BEST
                            ? Arrays.stream(finite).max()
                            : Arrays.stream(finite).average())
                    .orElse(Double.NEGATIVE_INFINITY);
        }
        worth[count - 1] = Double.POSITIVE_INFINITY;
        var keys = new ArrayList<Integer>();
        IntStream.range(0, count)
                .boxed()
                .filter(b -> worth[b] > Double.NEGATIVE_INFINITY)
                // Means of thirds and fifths are rounded in float32.
                .sorted(Comparator.comparingDouble(b -> -(double) (float) worth[b]))
                .limit(selector.blocks())
                .forEach(b -> IntStream.range(b * width, Math.min(visible.length, (b + 1) * width))
                        .forEach(keys::add));
        return keys;
    }

    @Property
    void windowsAreTheLastKeys(
            @ForAll @IntRange(min = 1, max = 6) int tokens,
            @ForAll @IntRange(min = 0, max = 6) int earlier,
            @ForAll @IntRange(min = 1, max = 8) int width) {
        int keys = tokens + earlier;
        Tensor scores = TestBackends.get("scalar").tensors().zeros(Shape.of(1, tokens, keys));
        int[] chosen = SlidingWindow.of(width)
                .select(scores, Visibility.causal(tokens, keys))
                .toInts();
        int per = Math.min(width, keys);
        for (int t = 0; t < tokens; t++) {
            int last = earlier + t;
            int[] expected = IntStream.concat(
                            IntStream.rangeClosed(Math.max(0, last - per + 1), last), IntStream.generate(() -> -1))
                    .limit(per)
                    .toArray();
            assertArrayEquals(expected, Arrays.copyOfRange(chosen, t * per, (t + 1) * per));
        }
    }

    /** The released list of a prompt of 6 tokens with a window of 4. */
    @Test
    void releasedWindowLists() {
        Tensor scores = TestBackends.get("scalar").tensors().zeros(Shape.of(1, 6, 6));
        assertArrayEquals(
                new int[] {0, -1, -1, -1, 0, 1, -1, -1, 0, 1, 2, -1, 0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5},
                SlidingWindow.of(4).select(scores, Visibility.causal(6, 6)).toInts());
    }

    @Property
    void aUnionHasEveryKeyOnce(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 5) int tokens,
            @ForAll @IntRange(min = 0, max = 9) int earlier,
            @ForAll @IntRange(min = 1, max = 4) int width,
            @ForAll @IntRange(min = 1, max = 4) int k,
            @ForAll long seed) {
        int keys = tokens + earlier;
        Tensor scores = backend.tensors().floats(Shape.of(2, tokens, keys), scores(2 * tokens * keys, seed));
        Visibility visibility = Visibility.causal(tokens, keys);
        Selector window = SlidingWindow.of(width);
        Selector best = TopK.of(k);
        int[] first = window.select(scores, visibility).toInts();
        int[] second = best.select(scores, visibility).toInts();
        int[] both = Union.of(window, best).select(scores, visibility).toInts();
        int rows = 2 * tokens;
        for (int row = 0; row < rows; row++) {
            List<Integer> expected = IntStream.concat(part(first, rows, row), part(second, rows, row))
                    .filter(key -> key >= 0)
                    .distinct()
                    .sorted()
                    .boxed()
                    .toList();
            assertEquals(
                    expected,
                    part(both, rows, row)
                            .filter(key -> key >= 0)
                            .sorted()
                            .boxed()
                            .toList());
        }
    }

    private static IntStream part(int[] values, int rows, int row) {
        int per = values.length / rows;
        return Arrays.stream(values, row * per, (row + 1) * per);
    }

    @Test
    void whoNeedsScores() {
        assertFalse(SlidingWindow.of(3).scored());
        assertFalse(Union.of(SlidingWindow.of(3), new All()).scored());
        assertTrue(Union.of(SlidingWindow.of(3), TopK.of(2)).scored());
        assertTrue(TopBlocks.byBest(1, 1).scored());
    }

    @Test
    void nothingToChooseFrom() {
        Backend backend = TestBackends.get("vector");
        Tensor none = backend.tensors().zeros(Shape.of(2, 3, 0));
        Visibility nothing = query -> 0;
        assertEquals(
                Shape.of(2, 3, 0), SlidingWindow.of(4).select(none, nothing).shape());
        assertEquals(
                Shape.of(2, 3, 0), TopBlocks.byMean(2, 4).select(none, nothing).shape());
        assertEquals(
                Shape.of(2, 3, 0), TopBlocks.byMean(2, 4).chosen(none, nothing).shape());
        Tensor unseen = backend.tensors().zeros(Shape.of(1, 1, 5));
        assertArrayEquals(
                new int[] {-1, -1, -1, -1},
                TopBlocks.byBest(2, 2).select(unseen, nothing).toInts());
        assertThrows(IllegalArgumentException.class, () -> TopBlocks.byBest(0, 2));
        assertThrows(IllegalArgumentException.class, () -> SlidingWindow.of(0));
    }
}
