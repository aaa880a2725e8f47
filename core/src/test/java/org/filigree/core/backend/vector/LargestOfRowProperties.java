package org.filigree.core.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Comparator;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.filigree.core.random.RandomStream;

class LargestOfRowProperties {
    /** What a row may hold; the later kinds mislead a sample, or give it nothing to tell apart. */
    enum Kind {
        GAUSSIAN,
        FEW_VALUES,
        MOSTLY_ZERO,
        ALL_EQUAL,
        ASCENDING,
        DESCENDING,
        LARGE_WHERE_SAMPLED,
        SMALL_WHERE_SAMPLED,
        WITH_NAN_AND_INFINITIES;

        float at(int i, int n, RandomStream random) {
            float x = (float) random.nextGaussian();
            return switch (this) {
                case GAUSSIAN -> x;
                case FEW_VALUES -> Math.round(2 * x);
                case MOSTLY_ZERO -> x > 2.5f ? x : i % 2 == 0 ? 0f : -0f;
                case ALL_EQUAL -> 3f;
                case ASCENDING -> i;
                case DESCENDING -> -i;
                case LARGE_WHERE_SAMPLED -> i % (n / 4096) == 0 ? 10 + x : x;
                case SMALL_WHERE_SAMPLED -> i % (n / 4096) == 0 ? x - 10 : x;
                case WITH_NAN_AND_INFINITIES ->
                    x > 2 ? Float.NaN : x > 1 ? Float.POSITIVE_INFINITY : x < -2 ? Float.NEGATIVE_INFINITY : x;
            };
        }
    }

    @Provide
    Arbitrary<Integer> lengths() {
        return Arbitraries.of(4096, 16383, 16384, 16391, 40_000, 65_537);
    }

    @Provide
    Arbitrary<Integer> numbers() {
        return Arbitraries.of(1, 2, 17, 256, 1000, 1024, 2500);
    }

    @Property(tries = 100)
    void agreesWithASortThatKeepsTies(
            @ForAll("lengths") int n, @ForAll("numbers") int k, @ForAll Kind kind, @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        int start = 3;
        float[] x = new float[start + n];
        for (int i = 0; i < n; i++) {
            x[start + i] = kind.at(i, n, random);
        }
        Comparator<Integer> order = (a, b) -> Double.compare(rank(x[start + b]), rank(x[start + a]));
        int[] expected = IntStream.range(0, n)
                .boxed()
                .sorted(order)
                .limit(k)
                .mapToInt(Integer::intValue)
                .toArray();
        float[] expectedValues = new float[k];
        for (int i = 0; i < k; i++) {
            expectedValues[i] = x[start + expected[i]];
        }
        float[] values = new float[k];
        int[] indices = new int[k];
        var largest = new LargestOfRow(n, k);
        largest.select(x, start, values, indices, 0);
        assertArrayEquals(expected, indices);
        assertArrayEquals(expectedValues, values);
    }

    /** −0 is no less than 0, and NaN less than −∞: as far below it as a double can go. */
    private static double rank(float x) {
        return Float.isNaN(x) ? Double.NEGATIVE_INFINITY : Math.max(x + 0.0, -Double.MAX_VALUE);
    }
}
