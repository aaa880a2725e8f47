package org.filigree.core.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import org.filigree.core.backend.MatrixProduct.Form;
import org.filigree.core.backend.Workers;

class GemmKernelProperties {
    private static final float MARKER = 12345f;
    private static final int LANES = TileKernel.LANES;
    private static final Workers[] POOLS = {Workers.of(1), Workers.of(2), Workers.of(3)};

    @AfterContainer
    static void closePools() {
        for (Workers pool : POOLS) {
            pool.close();
        }
    }

    /** One product: extents, what surrounds the operands, and how C is updated. */
    record Case(Form form, int m, int n, int k, int offset, int gap, Update update, long seed) {}

    @Provide
    Arbitrary<Case> cases() {
        Arbitrary<Integer> extents = Arbitraries.of(
                0,
                1,
                2,
                3,
                5,
                7,
                LANES - 1,
                LANES,
                LANES + 1,
                2 * LANES - 1,
                2 * LANES,
                2 * LANES + 1,
                37,
                61,
                97,
                131);
        return Combinators.combine(
                        Arbitraries.of(Form.class),
                        extents,
                        extents,
                        extents,
                        Arbitraries.of(0, 1, 9),
                        Arbitraries.of(0, 1, 5),
                        Arbitraries.of(Update.class),
                        Arbitraries.longs())
                .as(Case::new);
    }

    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
    void agreesWithTheDefinitionAndTouchesNothingElse(@ForAll("cases") Case one) {
        check(one);
    }

    /** Every path that {@link GemmKernel} chooses between, with block, task and slab edges. */
    @Example
    void agreesWithTheDefinitionOnEveryPath() {
        int[][] extents = {
            {1, 700, 300},
            {1, 33, 4000},
            {1, 530, 1030},
            {1, 4205, 83},
            {8, 530, 70},
            {8, 301, 1030},
            {16, 257, 259},
            {17, 257, 259},
            {24, 40, 530},
            {25, 40, 530},
            {300, 1, 70},
            {300, 12, 70},
            {300, 13, 70},
            {300, 40, 257},
            {41, 600, 513},
            {40, 40, 40},
            {41, 41, 41},
            {4, 4097, 9},
            {4130, 30, 5},
            {30, 4130, 5}
        };
        for (Form form : Form.values()) {
            for (Update update : Update.values()) {
                for (int[] extent : extents) {
                    check(new Case(form, extent[0], extent[1], extent[2], 3, 2, update, 11));
                }
            }
        }
    }

    @Example
    void manyNaNsOutsideTheOperandsDoNotLeakIn() {
        // Padding and masks must not turn a neighbour's NaN into ours: the gaps of A and B are NaN in every case above
        // too, here they surround the smallest operands.
        for (Form form : Form.values()) {
            check(new Case(form, 2, 3, LANES + 1, 40, 40, Update.OVERWRITE, 5));
        }
    }

    private static void check(Case one) {
        Random random = new Random(one.seed());
        int m = one.m();
        int n = one.n();
        int k = one.k();
        boolean leftTransposed = one.form() == Form.LEFT_TRANSPOSED;
        boolean rightTransposed = one.form() == Form.RIGHT_TRANSPOSED;
        Matrix a = matrix(leftTransposed ? k : m, leftTransposed ? m : k, one, Float.NaN, random);
        Matrix b = matrix(rightTransposed ? n : k, rightTransposed ? k : n, one, Float.NaN, random);
        Matrix before = matrix(m, n, one, MARKER, random);
        float[] first = null;
        for (Workers pool : POOLS) {
            Matrix c = new Matrix(before.values().clone(), before.offset(), before.stride());
            if (one.update() == Update.OVERWRITE) {
                for (int i = 0; i < m; i++) {
                    Arrays.fill(c.values(), c.at(i, 0), c.at(i, n), Float.NaN);
                }
            }
            GemmKernel.multiply(one.form(), m, n, k, a, b, c, one.update(), pool);
            if (first == null) {
                first = c.values();
                checkValues(one, a, b, before, c);
            } else {
                assertArrayEquals(first, c.values(), () -> one + " depends on the number of threads");
            }
        }
    }

    private static void checkValues(Case one, Matrix a, Matrix b, Matrix before, Matrix c) {
        float[] rest = c.values().clone();
        for (int i = 0; i < one.m(); i++) {
            for (int j = 0; j < one.n(); j++) {
                double start = one.update() == Update.ACCUMULATE ? before.values()[before.at(i, j)] : 0;
                double sum = start;
                double magnitude = Math.abs(start);
                for (int p = 0; p < one.k(); p++) {
                    double left = a.values()[one.form() == Form.LEFT_TRANSPOSED ? a.at(p, i) : a.at(i, p)];
                    double right = b.values()[one.form() == Form.RIGHT_TRANSPOSED ? b.at(j, p) : b.at(p, j)];
                    sum += left * right;
                    magnitude += Math.abs(left * right);
                }
                // Any order of k + 1 roundings of half a unit errs by at most this much.
                double tolerance = (one.k() + 2) * 0x1p-24 * magnitude;
                float got = c.values()[c.at(i, j)];
                int row = i;
                int column = j;
                assertEquals(sum, got, tolerance, () -> one + " at [" + row + ", " + column + "]");
                rest[c.at(i, j)] = MARKER;
            }
        }
        for (float value : rest) {
            assertTrue(value == MARKER, () -> one + " wrote outside of C");
        }
    }

    /** A matrix of random values, with {@code around} wherever the array holds no element of it. */
    private static Matrix matrix(int rows, int columns, Case one, float around, Random random) {
        int stride = columns + one.gap();
        float[] values = new float[one.offset() + Math.max(0, rows - 1) * stride + columns + one.gap()];
        Arrays.fill(values, around);
        Matrix matrix = new Matrix(values, one.offset(), stride);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                values[matrix.at(i, j)] = random.nextFloat() - 0.5f;
            }
        }
        return matrix;
    }
}
