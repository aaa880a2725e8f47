package org.filigree.v4.data;

import static org.filigree.v4.data.ByteVocabulary.MIDDLE;
import static org.filigree.v4.data.ByteVocabulary.PREFIX;
import static org.filigree.v4.data.ByteVocabulary.SEPARATOR;
import static org.filigree.v4.data.ByteVocabulary.SUFFIX;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class FillInTheMiddleProperties {
    /** With the middle moved back and the markers taken out, what is left is a beginning of the window. */
    @Property(tries = 200)
    void keepsTheTextAndItsLength(
            @ForAll @IntRange(min = 1, max = 120) int width,
            @ForAll @IntRange(min = 0, max = 4) int separators,
            @ForAll long seed) {
        var random = new Random(seed);
        int[] window = random.ints(width, 0, 256).toArray();
        for (int i = 0; i < separators; i++) window[random.nextInt(width)] = SEPARATOR;

        int[] moved = FillInTheMiddle.reorder(window, seed);
        assertEquals(width, moved.length);
        int[] text = restore(moved);
        if (indexOf(moved, PREFIX) < 0) {
            assertArrayEquals(window, moved);
            return;
        }
        assertEquals(1, count(moved, PREFIX));
        assertEquals(1, count(moved, SUFFIX));
        assertEquals(1, count(moved, MIDDLE));
        assertTrue(text.length >= width - 4 && text.length <= width - 3, () -> text.length + " of " + width);
        int end = indexOf(moved, MIDDLE);
        while (moved[end] != SEPARATOR) end++;
        assertTrue(end > indexOf(moved, MIDDLE) + 1, "empty middle");
        boolean cutShort = end == width - 1 && text.length == width - 3 && window[width - 4] != SEPARATOR;
        int same = cutShort ? text.length - 1 : text.length;
        assertArrayEquals(Arrays.copyOf(window, same), Arrays.copyOf(text, same));
    }

    @Example
    void leavesShortStretchesAlone() {
        int[] window =
                IntStream.range(0, 40).map(i -> i % 10 == 9 ? SEPARATOR : 'a').toArray();
        assertArrayEquals(window, FillInTheMiddle.reorder(window, 1));
    }

    @Example
    void cutsAnywhere() {
        int[] window = IntStream.range(0, 20).toArray();
        Set<Integer> prefixes = new HashSet<>();
        Set<Integer> middles = new HashSet<>();
        for (int seed = 0; seed < 3000; seed++) {
            int[] moved = FillInTheMiddle.reorder(window, seed);
            prefixes.add(indexOf(moved, SUFFIX) - 1);
            middles.add(moved.length - 1 - indexOf(moved, MIDDLE) - 1);
        }
        assertEquals(IntStream.range(0, 16).boxed().collect(Collectors.toSet()), prefixes);
        assertEquals(IntStream.rangeClosed(1, 16).boxed().collect(Collectors.toSet()), middles);
    }

    @Example
    void asksForAMiddle() {
        assertArrayEquals(new int[] {PREFIX, 'a', 'b', SUFFIX, 'c', MIDDLE}, FillInTheMiddle.prompt("ab", "c"));
        assertArrayEquals(new int[] {PREFIX, SUFFIX, MIDDLE}, FillInTheMiddle.prompt("", ""));
    }

    private static int[] restore(int[] ids) {
        int prefix = indexOf(ids, PREFIX);
        if (prefix < 0) return ids;
        int suffix = indexOf(ids, SUFFIX);
        int middle = indexOf(ids, MIDDLE);
        int end = middle;
        while (ids[end] != SEPARATOR) end++;
        return Stream.of(
                        Arrays.copyOfRange(ids, 0, prefix),
                        Arrays.copyOfRange(ids, prefix + 1, suffix),
                        Arrays.copyOfRange(ids, middle + 1, end),
                        Arrays.copyOfRange(ids, suffix + 1, middle),
                        Arrays.copyOfRange(ids, end, ids.length))
                .flatMapToInt(Arrays::stream)
                .toArray();
    }

    private static int indexOf(int[] ids, int id) {
        return IntStream.range(0, ids.length)
                .filter(i -> ids[i] == id)
                .findFirst()
                .orElse(-1);
    }

    private static long count(int[] ids, int id) {
        return Arrays.stream(ids).filter(i -> i == id).count();
    }
}
