package org.filigree.core.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
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
        ORGAN_PIPE,
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
                case ORGAN_PIPE -> Math.min(i, n - 1 - i);
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

    /** Orders that choose every pivot badly, for places at both ends, make it a sort but never quadratic. */
    @Property(tries = 20)
    void noOrderOfKeysIsQuadratic(
            @ForAll @IntRange(min = 100, max = 6000) int n, @ForAll @IntRange(min = 1, max = 40) int k) {
        long[] bad = new Adversary(n, n - k).keys();
        long[] keys = bad.clone();
        long passed = LargestOfRow.divide(keys, n, n - k);
        assertTrue(
                passed <= 2L * n * (Integer.SIZE - Integer.numberOfLeadingZeros(n)),
                () -> "passed over " + passed + " keys of " + n);
        long[] sorted = bad.clone();
        Arrays.sort(sorted);
        Arrays.sort(keys, 0, n - k);
        Arrays.sort(keys, n - k, n);
        assertArrayEquals(sorted, keys);
        float[] values = new float[k];
        float[] row = new float[n];
        for (int i = 0; i < n; i++) {
            row[i] = bad[i];
        }
        new LargestOfRow(n, k).select(row, 0, values, new int[k], 0);
        for (int i = 0; i < k; i++) {
            assertEquals(n - 1 - i, values[i]);
        }
    }

    /**
     * Makes up keys while they are being divided, so that every pivot turns out to be among the least: a key has no place in the order
     * until two such keys are compared, and then one of them becomes the least of those that have none. Source: McIlroy, A killer
     * adversary for quicksort (1999).
     */
    private static final class Adversary {
        private final int n;
        private final long[] places;
        private long decided;
        private int candidate;

        Adversary(int n, int count) {
            this.n = n;
            places = new long[n];
            Arrays.fill(places, n);
            divide(IntStream.range(0, n).toArray(), count);
            for (int i = 0; i < n; i++) {
                if (places[i] == n) {
                    places[i] = decided++;
                }
            }
        }

        long[] keys() {
            return places;
        }

        private boolean less(int a, int b) {
            if (places[a] == n && places[b] == n) {
                places[a == candidate ? a : b] = decided++;
            }
            if (places[a] == n) {
                candidate = a;
            } else if (places[b] == n) {
                candidate = b;
            }
            return places[a] < places[b];
        }

        private int lesser(int a, int b) {
            return less(a, b) ? a : b;
        }

        private int greater(int a, int b) {
            return less(a, b) ? b : a;
        }

        /** What is to be misled, without its guard. */
        private void divide(int[] keys, int count) {
            int low = 0;
            int high = n - 1;
            while (high - low > 24) {
                int a = keys[low];
                int b = keys[(low + high) >>> 1];
                int pivot = greater(lesser(a, b), lesser(greater(a, b), keys[high]));
                int i = low;
                int j = high;
                while (i <= j) {
                    while (keys[i] != pivot && less(keys[i], pivot)) {
                        i++;
                    }
                    while (keys[j] != pivot && less(pivot, keys[j])) {
                        j--;
                    }
                    if (i <= j) {
                        int swapped = keys[i];
                        keys[i++] = keys[j];
                        keys[j--] = swapped;
                    }
                }
                if (count <= j) {
                    high = j;
                } else if (count >= i) {
                    low = i;
                } else {
                    return;
                }
            }
        }
    }

    /** −0 is no less than 0, and NaN less than −∞: as far below it as a double can go. */
    private static double rank(float x) {
        return Float.isNaN(x) ? Double.NEGATIVE_INFINITY : Math.max(x + 0.0, -Double.MAX_VALUE);
    }
}
