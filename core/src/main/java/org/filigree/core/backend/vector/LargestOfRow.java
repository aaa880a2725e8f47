package org.filigree.core.backend.vector;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The k largest elements of a row, by quickselect over keys that hold an element and its index. A long row is sampled first: an element
 * of the sample that more than k of the row should reach is a threshold, only what reaches it becomes a key, and where too few or far too
 * many do, all elements become keys after all. The result does not depend on the sample.
 */
final class LargestOfRow {
    /** Rows from this length on are sampled, if k is far below it. */
    private static final int LONG = 1 << 14;

    /** The least row for each k that is sampled. */
    private static final int ROW_PER_K = 16;

    private static final int SAMPLE = 1 << 12;

    /** Deviations by which the sample may underrate an element; beyond lies one row in a million. */
    private static final double DEVIATIONS = 5;

    /** Ranges up to this length are sorted instead of divided further. */
    private static final int SHORT = 24;

    private final int n;
    private final int k;
    private final boolean sampled;
    /** Place in the sample, from its largest, of the threshold. */
    private final int rank;

    private final long[] keys;

    LargestOfRow(int n, int k) {
        this.n = n;
        this.k = k;
        sampled = n >= LONG && (long) k * ROW_PER_K <= n;
        double expected = (double) k * SAMPLE / n;
        rank = Math.min(SAMPLE, (int) (expected + DEVIATIONS * Math.sqrt(expected) + DEVIATIONS));
        // Twice what the threshold should let through.
        keys = new long[sampled ? Math.max(SAMPLE, (int) Math.min(n, 2L * rank * n / SAMPLE)) : n];
    }

    /** Writes values and indices in descending order, ties to the lower index, NaN last. */
    void select(float[] x, int start, float[] values, int[] indices, int out) {
        int count = sampled ? collect(x, start, threshold(x, start)) : -1;
        long[] candidates = keys;
        if (count < k) {
            candidates = keys.length < n ? new long[n] : keys;
            count = n;
            for (int i = 0; i < n; i++) {
                candidates[i] = key(x[start + i], i);
            }
        }
        divide(candidates, count, count - k);
        Arrays.sort(candidates, count - k, count);
        for (int i = 0; i < k; i++) {
            int index = ~(int) candidates[count - 1 - i];
            indices[out + i] = index;
            values[out + i] = x[start + index];
        }
    }

    private float threshold(float[] x, int start) {
        int step = n / SAMPLE;
        for (int i = 0; i < SAMPLE; i++) {
            keys[i] = key(x[start + i * step], i * step);
        }
        divide(keys, SAMPLE, SAMPLE - rank);
        long lowest = Long.MAX_VALUE;
        for (int i = SAMPLE - rank; i < SAMPLE; i++) {
            lowest = Math.min(lowest, keys[i]);
        }
        return x[start + ~(int) lowest];
    }

    /** Keys of what reaches a threshold, which NaN never does; their number, −1 if there is no room for all. */
    private int collect(float[] x, int start, float threshold) {
        int count = 0;
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            long reached = FloatVector.fromArray(F, x, start + i)
                    .compare(VectorOperators.GE, threshold)
                    .toLong();
            for (; reached != 0; reached &= reached - 1) {
                if (count == keys.length) {
                    return -1;
                }
                int index = i + Long.numberOfTrailingZeros(reached);
                keys[count++] = key(x[start + index], index);
            }
        }
        for (; i < n; i++) {
            if (x[start + i] >= threshold) {
                if (count == keys.length) {
                    return -1;
                }
                keys[count++] = key(x[start + i], i);
            }
        }
        return count;
    }

    /** A key that sorts like its number, NaN below all others, −0 like 0, and of equal numbers the one with the higher index first. */
    private static long key(float x, int index) {
        int bits = Float.floatToRawIntBits(x + 0f);
        int ordered = Float.isNaN(x) ? Integer.MIN_VALUE : bits ^ ((bits >> 31) & Integer.MAX_VALUE);
        return ((long) ordered << 32) | (~index & 0xffff_ffffL);
    }

    /**
     * Moves the smallest {@code count} of the first keys, which are all different, before the others. Pivots may be bad again and again, by
     * chance or by intent; a range that is still long after two divisions for each halving of the keys is sorted, which is never quadratic.
     *
     * @return keys that the divisions passed over
     */
    static long divide(long[] keys, int length, int count) {
        int low = 0;
        int high = length - 1;
        int divisions = 2 * (Integer.SIZE - Integer.numberOfLeadingZeros(length));
        long passed = 0;
        for (; high - low > SHORT && divisions > 0; divisions--) {
            passed += high - low + 1;
            long pivot = median(keys[low], keys[(low + high) >>> 1], keys[high]);
            int i = low;
            int j = high;
            while (i <= j) {
                while (keys[i] < pivot) {
                    i++;
                }
                while (keys[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    long swapped = keys[i];
                    keys[i++] = keys[j];
                    keys[j--] = swapped;
                }
            }
            if (count <= j) {
                high = j;
            } else if (count >= i) {
                low = i;
            } else {
                return passed;
            }
        }
        Arrays.sort(keys, low, high + 1);
        return passed;
    }

    private static long median(long a, long b, long c) {
        return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    }
}
