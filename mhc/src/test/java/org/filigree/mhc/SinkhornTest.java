package org.filigree.mhc;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class SinkhornTest {
    private static final double EPS = 1e-6;
    private static final String THREADS = "filigree.vector.threads";

    @AfterEach
    void forgetThreads() {
        System.clearProperty(THREADS);
    }

    @ParameterizedTest
    @EveryBackend
    void aRowOfMinusInfinityStartsAsZeros(Backend backend) {
        double masked = Double.NEGATIVE_INFINITY;
        Sample logits = Sample.real("logits", Shape.of(3, 3), 1, 2, 3, masked, masked, masked, 0.5, masked, 0);
        Sample upstream = Sample.real("upstream", Shape.of(3, 3), 1, -2, 3, -4, 5, -6, 7, -8, 9);
        Tensor leaf = Autograd.leaf(logits.on(backend));
        Tensor comb = Sinkhorn.sinkhorn(leaf, 1, EPS);
        var naive = new NaiveSinkhorn(3, 1, EPS);
        Tolerance tolerance = Tolerance.of(backend, 3).times(2);
        assertClose("comb", naive.forward(logits.values()), comb, tolerance);
        assertClose(
                "gradient",
                naive.backward(logits.values(), upstream.values()),
                Autograd.backward(comb, upstream.on(backend)).of(leaf),
                tolerance.withFloor(1));
    }

    /** After one iteration a column of −∞ is NaN in that column alone, which need not be the first. */
    @ParameterizedTest
    @EveryBackend
    void withoutEpsilonARowOrColumnOfMinusInfinityIsRefused(Backend backend) {
        double masked = Double.NEGATIVE_INFINITY;
        for (int iterations : new int[] {1, 2}) {
            for (int n : new int[] {2, 4, 9}) {
                for (int line = 0; line < n; line++) {
                    double[] row = new double[3 * n * n];
                    double[] column = new double[3 * n * n];
                    for (int i = 0; i < n; i++) {
                        row[2 * n * n + line * n + i] = masked;
                        column[2 * n * n + i * n + line] = masked;
                    }
                    for (double[] logits : new double[][] {row, column}) {
                        Tensor tensor = backend.tensors().doubles(Shape.of(3, n, n), logits);
                        if (backend instanceof HostBackend) {
                            var refused = assertThrows(
                                    NaNLogitsException.class, () -> Sinkhorn.sinkhorn(tensor, iterations, 0));
                            assertEquals(2, refused.matrix());
                        } else {
                            double[] comb =
                                    Sinkhorn.sinkhorn(tensor, iterations, 0).toDoubles();
                            assertTrue(Arrays.stream(comb, 0, 2 * n * n).noneMatch(Double::isNaN));
                            assertTrue(Arrays.stream(comb, 2 * n * n, 3 * n * n).anyMatch(Double::isNaN));
                        }
                    }
                }
            }
        }
    }

    @Test
    void anEpsilonThatIsNoNormalFloatIsRefused() {
        Tensor logits = TestBackends.get("vector").tensors().zeros(Shape.of(2, 2));
        String message = "eps must be 0 or at least 1.1754944E-38, the smallest normal float32, but is 1.0E-40";
        assertEquals(
                "sinkhorn: " + message,
                Thrown.message(IllegalArgumentException.class, () -> Sinkhorn.sinkhorn(logits, 20, 1e-40)));
        assertEquals(
                "mixing: " + message,
                Thrown.message(IllegalArgumentException.class, () -> new Mixing.DoublyStochastic(20, 1e-40)));
        assertEquals(
                "mixing: " + message,
                Thrown.message(IllegalArgumentException.class, () -> new Mixing.Lagged(20, 1e-40)));
    }

    /** The smallest ε that is taken must do for a column whose softmax is 0. */
    @ParameterizedTest
    @EveryBackend
    void theSmallestEpsilonSavesAStarvedColumn(Backend backend) {
        Tensor logits = backend.tensors().doubles(Shape.of(2, 2), new double[] {0, -200, 0, -200});
        for (double entry : Sinkhorn.sinkhorn(logits, 20, Float.MIN_NORMAL).toDoubles()) {
            assertTrue(entry >= 0 && entry <= 1, "entry " + entry);
        }
    }

    /** 1201 matrices of n = 4 are three chunks, the last of them short. */
    @Test
    void theNumberOfThreadsChangesNoBits() {
        int[] sizes = {1, 4, 5};
        for (int n : sizes) {
            Sample logits = Sample.gaussian("logits", RandomStream.of(n), 1201, n, n);
            Sample upstream = Sample.gaussian("upstream", RandomStream.of(n), 1201, n, n);
            float[][] expected = onThreads(1, logits, upstream);
            assertArrayEquals(expected, onThreads(2, logits, upstream));
            assertArrayEquals(expected, onThreads(3, logits, upstream));
        }
    }

    private static float[][] onThreads(int threads, Sample logits, Sample upstream) {
        System.setProperty(THREADS, String.valueOf(threads));
        try (Backend backend = Backends.open("vector")) {
            Tensor leaf = Autograd.leaf(logits.on(backend));
            Tensor comb = Sinkhorn.sinkhorn(leaf, 20, EPS);
            Tensor gradient = Autograd.backward(comb, upstream.on(backend)).of(leaf);
            return new float[][] {comb.toFloats(), gradient.toFloats()};
        }
    }
}
