package org.filigree.core.backend.simd;

import static org.filigree.core.backend.simd.TileProducts.PANEL;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.testkit.Tolerance;

/** Every product against its definition in double, rows named twice included. */
class TileProductsProperties {
    @Property(tries = 60)
    void dotsOfRows(
            @ForAll @IntRange(min = 1, max = 9) int vectors,
            @ForAll @IntRange(min = 1, max = 4) int rows,
            @ForAll long seed) {
        int n = vectors * VectorMath.LANES;
        float[] a = gaussian(3 + 4 * n, seed);
        float[] b = gaussian(5 + 4 * n, seed + 1);
        int[] aAt = places(3, n, rows);
        int[] bAt = places(5, n, 5 - rows);
        float[] sums = new float[TileProducts.SUMS];
        TileProducts.dots(a, aAt[0], aAt[1], aAt[2], aAt[3], b, bAt[0], bAt[1], bAt[2], bAt[3], n, sums);
        double[] expected = new double[16];
        double[] actual = new double[16];
        for (int i = 0; i < 16; i++) {
            for (int c = 0; c < n; c++) {
                expected[i] += (double) a[aAt[i / 4] + c] * b[bAt[i % 4] + c];
            }
            actual[i] = sums[i];
        }
        assertClose("dots", expected, actual, Tolerance.float32(n).withFloor(1));
    }

    @Property(tries = 30)
    void dotOfTwo(@ForAll @IntRange(min = 0, max = 5) int panels, @ForAll long seed) {
        int n = panels * PANEL;
        float[] a = gaussian(n + 1, seed);
        double expected = 0;
        for (int i = 0; i < n; i++) {
            expected += (double) a[i + 1] * a[i];
        }
        assertEquals(expected, TileProducts.dot(a, 1, a, 0, n), 1e-5 * Math.max(1, n));
    }

    @Property(tries = 60)
    void rowsAdded(
            @ForAll @IntRange(min = 0, max = 19) int count,
            @ForAll @IntRange(min = 1, max = 3) int wStride,
            @ForAll @IntRange(min = 1, max = 4) int rows,
            @ForAll long seed) {
        int stride = PANEL + 7;
        float[] w = gaussian(4 * (count + 1) * wStride + 4, seed);
        float[] x = gaussian(2 + (count + 1) * stride, seed + 1);
        float[] y = gaussian(1 + 4 * stride, seed + 2);
        int[] wAt = places(1, count * wStride, rows);
        int[] yAt = places(1, stride, rows);
        double[] expected = new double[y.length];
        for (int i = 0; i < y.length; i++) {
            expected[i] = y[i];
        }
        for (int i = 0; i < rows; i++) {
            for (int r = 0; r < count; r++) {
                for (int c = 0; c < PANEL; c++) {
                    expected[yAt[i] + c] += (double) w[wAt[i] + r * wStride] * x[2 + r * stride + c];
                }
            }
        }
        TileProducts.addRows(
                w, wAt[0], wAt[1], wAt[2], wAt[3], wStride, count, x, 2, stride, y, yAt[0], yAt[1], yAt[2], yAt[3]);
        double[] actual = new double[y.length];
        for (int i = 0; i < y.length; i++) {
            actual[i] = y[i];
        }
        assertClose("y", expected, actual, Tolerance.float32(count + 1).withFloor(1));
    }

    /** Where four rows begin, of which only so many are different. */
    private static int[] places(int first, int stride, int rows) {
        int[] at = new int[4];
        for (int i = 0; i < 4; i++) {
            at[i] = first + Math.min(i, rows - 1) * stride;
        }
        return at;
    }

    private static float[] gaussian(int length, long seed) {
        Random random = new Random(seed);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
