package org.filigree.v4.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

class BatchesProperties {
    private final TokenStream stream = TokenStream.of(Texts.files(5, 300, 17, 120));

    @Property(tries = 50)
    void dependOnSeedAndStepAlone(@ForAll long seed, @ForAll @LongRange(min = 0, max = 1L << 40) long step) {
        BatchConfig config = BatchConfig.of(4, 31, seed).withFillInTheMiddleShare(0.5);
        var batches = new Batches(stream, config);
        int[] first = batches.at(step).ids();
        batches.at(step + 1);
        assertArrayEquals(first, batches.at(step).ids());
        assertArrayEquals(first, new Batches(stream, config).at(step).ids());
    }

    @Property(tries = 50)
    void areWindowsOfTheRing(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 50) int size,
            @ForAll @IntRange(min = 1, max = 90) int length) {
        TokenStream small = TokenStream.of(Texts.files(seed, size));
        TokenWindows batch = new Batches(small, BatchConfig.of(3, length, seed)).at(1);
        for (int row = 0; row < 3; row++) {
            int found = 0;
            for (int start = 0; start < small.length(); start++) {
                int i = 0;
                while (i <= length && batch.id(row, i) == small.id((start + i) % small.length())) i++;
                if (i > length) found++;
            }
            assertTrue(found > 0);
        }
    }

    @Example
    void differBetweenSeedsAndStepsAndRows() {
        var batches = new Batches(stream, BatchConfig.of(2, 64, 1));
        TokenWindows batch = batches.at(7);
        assertFalse(Arrays.equals(batch.ids(), batches.at(8).ids()));
        assertFalse(Arrays.equals(
                batch.ids(), new Batches(stream, BatchConfig.of(2, 64, 2)).at(7).ids()));
        assertFalse(Arrays.equals(batch.slice(0, 1).ids(), batch.slice(1, 2).ids()));
    }

    /** Every position is drawn equally often: within five standard deviations of a binomial count. */
    @Example
    void drawEveryPositionEquallyOften() {
        int size = 10;
        byte[] content = new byte[size];
        for (int i = 0; i < size; i++) content[i] = (byte) i;
        var batches = new Batches(TokenStream.of(List.of(new SourceFile("a", content))), BatchConfig.of(100, 1, 9));
        int[] drawn = new int[257];
        int draws = 20_000;
        for (int step = 0; step < draws / 100; step++) {
            TokenWindows batch = batches.at(step);
            for (int row = 0; row < 100; row++) drawn[batch.id(row, 0)]++;
        }
        double p = 1.0 / (size + 1);
        for (int i = 0; i < size; i++) assertEquals(draws * p, drawn[i], 5 * Math.sqrt(draws * p * (1 - p)));
        assertEquals(draws * p, drawn[ByteVocabulary.SEPARATOR], 5 * Math.sqrt(draws * p * (1 - p)));
    }

    @Example
    void turnTheShareAskedForIntoFillInTheMiddle() {
        TokenStream oneFile = TokenStream.of(Texts.files(8, 5000));
        for (double share : new double[] {0, 0.25, 1}) {
            var batches = new Batches(oneFile, BatchConfig.of(100, 40, 3).withFillInTheMiddleShare(share));
            int turned = 0;
            for (int step = 0; step < 20; step++) {
                for (int id : batches.at(step).ids()) {
                    if (id == ByteVocabulary.MIDDLE) turned++;
                }
            }
            assertEquals(2000 * share, turned, 5 * Math.sqrt(2000 * share * (1 - share)));
        }
    }

    @Example
    void refuseWhatIsNoBatch() {
        assertThrows(IllegalArgumentException.class, () -> BatchConfig.of(0, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> BatchConfig.of(1, 0, 0));
        for (double share : new double[] {-0.1, 1.1, Double.NaN}) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> BatchConfig.of(1, 1, 0).withFillInTheMiddleShare(share));
        }
    }
}
