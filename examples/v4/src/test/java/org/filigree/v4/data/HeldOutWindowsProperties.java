package org.filigree.v4.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class HeldOutWindowsProperties {
    @Property(tries = 100)
    void everyTokenButTheFirstIsATargetOnce(
            @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 1, max = 70) Integer> sizes,
            @ForAll @IntRange(min = 1, max = 33) int length) {
        TokenStream stream = TokenStream.of(Texts.files(1, ints(sizes)));
        TokenWindows windows = HeldOutWindows.of(stream, length, Integer.MAX_VALUE);
        int position = 1;
        for (int window = 0; window < windows.count(); window++) {
            assertEquals(stream.id(position - 1), windows.id(window, 0));
            for (int i = 1; i <= length; i++, position++) {
                int expected = position < stream.length() ? stream.id(position) : ByteVocabulary.PAD;
                assertEquals(expected, windows.id(window, i));
            }
        }
        assertTrue(position >= stream.length() && position < stream.length() + length);
        long bytes = stream.length() - (long) sizes.size();
        assertEquals(bytes - 1, windows.byteTargets());
    }

    @Property(tries = 100)
    void takesTheNumberAskedForAtEvenDistances(
            @ForAll @IntRange(min = 200, max = 900) int size,
            @ForAll @IntRange(min = 1, max = 17) int length,
            @ForAll @IntRange(min = 1, max = 10) int most) {
        TokenStream stream = TokenStream.of(Texts.files(2, size));
        TokenWindows all = HeldOutWindows.of(stream, length, Integer.MAX_VALUE);
        TokenWindows some = HeldOutWindows.of(stream, length, most);
        assertEquals(most, some.count());
        for (int window = 0; window < most; window++) {
            int same = (int) ((long) window * all.count() / most);
            for (int i = 0; i <= length; i++) assertEquals(all.id(same, i), some.id(window, i));
        }
    }

    @Property(tries = 50)
    void inputsAndTargetsAreTheWindowShiftedByOne(@ForAll @IntRange(min = 1, max = 40) int size) {
        TokenWindows windows = HeldOutWindows.of(TokenStream.of(Texts.files(3, size)), 7, 100);
        int[] inputs = windows.inputs();
        int[] targets = windows.targets();
        for (int window = 0; window < windows.count(); window++) {
            TokenWindows one = windows.slice(window, window + 1);
            for (int i = 0; i < 7; i++) {
                assertEquals(windows.id(window, i), inputs[window * 7 + i]);
                assertEquals(windows.id(window, i + 1), targets[window * 7 + i]);
                assertEquals(windows.id(window, i), one.id(0, i));
            }
        }
    }

    private static int[] ints(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }
}
