package org.filigree.mhc;

import static org.filigree.core.testkit.Compare.assertClose;

import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.params.ParameterizedTest;

class SinkhornTest {
    private static final double EPS = 1e-6;

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
}
