package org.filigree.core.autograd;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Affine.shift;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Pointwise;
import org.filigree.core.op.Reduce;
import org.filigree.core.op.Slice;
import org.filigree.core.op.TopK;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;

class AutogradTest {
    private static final Backend BACKEND = TestBackends.get("scalar");

    private static Tensor leaf(double... values) {
        return Autograd.leaf(constant(values));
    }

    private static Tensor constant(double... values) {
        return BACKEND.tensors().doubles(Shape.of(values.length), values);
    }

    @Test
    void sumsTheGradientsOfEveryUse() {
        Tensor x = leaf(2, 3);
        Tensor square = multiply(x, x);
        Tensor y = add(multiply(square, x), add(square, x));
        Tensor gradient = Autograd.backward(Reduce.sum(y)).of(x);
        assertClose("3x² + 2x + 1", new double[] {17, 34}, gradient, Tolerance.EXACT);
    }

    @Test
    void addsOnlyOnceWhereAGraphForksAndJoins() {
        Tensor x = leaf(1);
        Tensor y = x;
        for (int i = 0; i < 40; i++) {
            y = add(y, y);
        }
        assertEquals(0x1p40, Autograd.backward(y).of(x).item());
    }

    @Test
    void goesThroughGraphsDeeperThanTheJavaStack() {
        Tensor x = leaf(1);
        Tensor y = x;
        for (int i = 0; i < 20_000; i++) {
            y = add(y, x);
        }
        assertEquals(20_001, Autograd.backward(y).of(x).item());
    }

    @Test
    void outputsThatNothingUsesCountAsZero() {
        Tensor x = leaf(1, 2, 3, 4);
        List<Tensor> parts = Slice.split(x, 0, 1, 2, 1);
        Tensor gradient = Autograd.backward(Reduce.sum(scale(parts.get(1), 5))).of(x);
        assertClose("middle only", new double[] {0, 5, 5, 0}, gradient, Tolerance.EXACT);
    }

    @Test
    void nullReachesABackwardForAnUnusedOutput() {
        Tensor x = leaf(1, 2);
        List<Tensor> outputs =
                Autograd.record("pair", List.of(x), List.of(constant(1, 2), constant(3, 4)), upstream -> {
                    assertNull(upstream.get(1));
                    return Arrays.asList(upstream.get(0));
                });
        assertClose(
                "first only",
                new double[] {1, 1},
                Autograd.backward(Reduce.sum(outputs.getFirst())).of(x),
                Tolerance.EXACT);
    }

    @Test
    void topKSendsGradientsToTheWinners() {
        Tensor x = leaf(1, 9, 3, 9);
        Tensor values = TopK.topK(x, 2).values();
        Tensor gradient = Autograd.backward(values, constant(10, 20)).of(x);
        assertClose("first tie first", new double[] {0, 10, 0, 20}, gradient, Tolerance.EXACT);
    }

    @Test
    void detachCutsTheGraph() {
        Tensor x = leaf(3);
        Tensor y = multiply(x, Autograd.detach(multiply(x, x)));
        assertEquals(9, Autograd.backward(y).of(x).item());
        Tensor plain = constant(1);
        assertSame(plain, Autograd.detach(plain));
    }

    @Test
    void withoutGradientsRecordsNothing() {
        Tensor x = leaf(3);
        Tensor y = Autograd.withoutGradients(() -> {
            assertFalse(Autograd.recording());
            return multiply(x, x);
        });
        assertTrue(Autograd.recording());
        assertFalse(Autograd.differentiable(y));
        String message = Thrown.message(ShapeException.class, () -> Autograd.backward(y));
        assertTrue(message.contains("depends on no leaf"), message);
    }

    @Test
    void aBackwardPassMayRecordAndDifferentiateAgain() {
        Tensor x = leaf(3);
        Tensor cube = Autograd.record("cube", List.of(x), constant(27), dy -> {
            assertFalse(Autograd.recording());
            Tensor again = Autograd.leaf(Autograd.detach(x));
            Tensor y = Autograd.withGradients(() -> multiply(again, multiply(again, again)));
            assertFalse(Autograd.recording());
            return List.of(Autograd.backward(y, dy).of(again));
        });
        assertEquals(27, Autograd.backward(cube).of(x).item());
    }

    @Test
    void constantsRecordNothing() {
        assertFalse(Autograd.differentiable(add(constant(1), constant(2))));
    }

    @Test
    void backwardOfSeveralElementsNeedsAnUpstream() {
        Tensor x = leaf(1, 2);
        Tensor y = scale(x, 3);
        String message = Thrown.message(ShapeException.class, () -> Autograd.backward(y));
        assertTrue(message.startsWith("backward: loss [2] has 2 elements, not one"), message);
        assertClose(
                "3·upstream",
                new double[] {30, -3},
                Autograd.backward(y, constant(10, -1)).of(x),
                Tolerance.EXACT);
        assertThrows(ShapeException.class, () -> Autograd.backward(y, constant(1, 2, 3)));
    }

    @Test
    void aLeafIsItsOwnOutput() {
        Tensor x = leaf(5);
        assertEquals(1, Autograd.backward(x).of(x).item());
    }

    @Test
    void saysWhichLeafIsMissing() {
        Tensor x = leaf(1);
        Tensor unused = leaf(1, 2);
        Gradients gradients = Autograd.backward(shift(x, 1));
        assertTrue(gradients.find(unused).isEmpty());
        String message = Thrown.message(ShapeException.class, () -> gradients.of(unused));
        assertTrue(message.contains("does not depend on the leaf [2]"), message);
        assertThrows(ShapeException.class, () -> gradients.of(constant(1)));
    }

    @Test
    void leavesMustBeReal() {
        Tensor whole = BACKEND.tensors().ints(Shape.of(1), new int[] {1});
        assertThrows(ShapeException.class, () -> Autograd.leaf(whole));
    }

    @Test
    void gradientsOfSeveralPassesAddUp() {
        Tensor x = leaf(2);
        Tensor z = leaf(7);
        Gradients sum = Autograd.backward(multiply(x, x))
                .plus(Autograd.backward(multiply(x, z)))
                .scaled(0.5);
        assertEquals(5.5, sum.of(x).item());
        assertEquals(1, sum.of(z).item());
    }

    @Test
    void refusesABackwardThatLies() {
        Tensor x = leaf(1, 2);
        Tensor tooFew = Autograd.record("short", List.of(x), constant(1, 2), dy -> List.of());
        assertThrows(IllegalStateException.class, () -> Autograd.backward(tooFew, constant(1, 1)));
        Tensor wrong = Autograd.record("wide", List.of(x), constant(1, 2), dy -> List.of(constant(1, 2, 3)));
        String message = Thrown.message(ShapeException.class, () -> Autograd.backward(wrong, constant(1, 1)));
        assertEquals("wide: backward gave a gradient of shape [3] for input 0 of shape [2]", message);
    }

    @Test
    void backwardItselfIsNotRecorded() {
        Tensor x = leaf(2);
        Tensor gradient = Autograd.backward(Pointwise.square(x)).of(x);
        assertFalse(Autograd.differentiable(gradient));
    }
}
