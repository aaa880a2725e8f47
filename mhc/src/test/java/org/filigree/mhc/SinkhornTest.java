package org.filigree.mhc;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
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
