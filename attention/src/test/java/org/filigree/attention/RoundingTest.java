package org.filigree.attention;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.Fp4Activation;
import org.filigree.core.io.Fp4Scale;
import org.filigree.core.io.Fp8Activation;
import org.filigree.core.io.ScaleRounding;
import org.filigree.core.nn.Context;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class RoundingTest {
    private static float[] values(int count) {
        float[] values = new float[count];
        RandomStream.of(count).fillGaussian(values);
        return values;
    }

    @ParameterizedTest
    @EveryBackend
    void givesWhatAStoreWouldGiveBack(Backend backend) {
        float[] x = values(2 * 3 * 64);
        Tensor tensor = backend.tensors().floats(Shape.of(2, 3, 64), x);
        assertArrayEquals(
                Fp8Activation.quantise(x, 32, ScaleRounding.CEIL_POWER_OF_TWO).dequantise(),
                Rounding.Fp8.of(32).round(tensor).toFloats());
        assertArrayEquals(
                Fp4Activation.quantise(x, Fp4Scale.E8M0).dequantise(),
                new Rounding.Fp4(Fp4Scale.E8M0).round(tensor).toFloats());
        assertSame(tensor, new Rounding.None().round(tensor));
    }

    @ParameterizedTest
    @EveryBackend
    void gradientsPassStraightThrough(Backend backend) {
        Tensor x = Autograd.leaf(backend.tensors().floats(Shape.of(2, 32), values(64)));
        Tensor upstream = backend.tensors().full(Shape.of(2, 32), 0.3);
        Tensor gradient =
                Autograd.backward(Rounding.Fp8.of(16).round(x), upstream).of(x);
        assertArrayEquals(upstream.toFloats(), gradient.toFloats());
    }

    @Test
    void aWidthThatMakesNoGroupsIsRefused() {
        Tensor x = TestBackends.get("scalar").tensors().zeros(Shape.of(2, 24));
        String message =
                Thrown.message(ShapeException.class, () -> Rounding.Fp8.of(32).round(x));
        assertTrue(message.contains("[2, 24]") && message.contains("32"), message);
    }

    @Test
    void theIndexerOfV32RoundsQueriesAndKeys() {
        Backend backend = TestBackends.get("scalar");
        IndexerConfig plain = IndexerConfig.of(4, 16);
        LatentAttentionConfig config =
                LatentAttentionConfig.of(16, 2).withScorer(plain).withSelector(TopK.of(3));
        Tensor x = backend.tensors().floats(Shape.of(1, 9, 16), values(9 * 16));
        var scores = new ArrayList<Tensor>();
        Context context = Context.training().with(ScoreListener.KEY, heard -> scores.add(heard.scores()));
        config.init(backend, RandomStream.of(1)).forward(x, context);
        config.withScorer(plain.withRounding(Rounding.Fp8.of(16)))
                .init(backend, RandomStream.of(1))
                .forward(x, context);
        float[] exact = scores.get(0).toFloats();
        float[] rounded = scores.get(1).toFloats();
        double largest = 0;
        double furthest = 0;
        for (int i = 0; i < exact.length; i++) {
            largest = Math.max(largest, Math.abs(exact[i]));
            furthest = Math.max(furthest, Math.abs(exact[i] - rounded[i]));
        }
        // Half of e4m3's three fraction bits on either side, and sums that partly cancel.
        assertTrue(furthest > 0 && furthest < largest / 4, furthest + " of " + largest);
    }
}
