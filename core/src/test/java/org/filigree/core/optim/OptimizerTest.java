package org.filigree.core.optim;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.op.MatMul;
import org.filigree.core.op.Reduce;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class OptimizerTest {
    private static final Backend SCALAR = TestBackends.get("scalar");

    private static Parameter parameter(Backend backend, int... dims) {
        return Parameter.learned(
                Sample.gaussian("w", Seed.of("OptimizerTest"), dims).on(backend));
    }

    private static Gradients gradient(Parameter parameter, int step) {
        Sample gradient = Sample.gaussian(
                "g" + step, Seed.of("OptimizerTest"), parameter.shape().toArray());
        return Autograd.backward(parameter.value(), gradient.on(Backend.of(parameter.value())));
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void adamWFollowsItsFormula(Backend backend) {
        double rate = 0.01;
        AdamWConfig config = AdamWConfig.deepSeek().withRateFactor(5);
        Parameter parameter = parameter(backend, 3, 17);
        double[] w = parameter.value().toDoubles();
        double[] m = new double[w.length];
        double[] v = new double[w.length];
        AdamW optimizer = config.init(ParameterMap.empty().with("w", parameter));
        for (int t = 1; t <= 4; t++) {
            Gradients gradients = gradient(parameter, t);
            double[] g = gradients.of(parameter.value()).toDoubles();
            for (int i = 0; i < w.length; i++) {
                m[i] = 0.9 * m[i] + 0.1 * g[i];
                v[i] = 0.95 * v[i] + 0.05 * g[i] * g[i];
                double direction = m[i] / (1 - Math.pow(0.9, t)) / (Math.sqrt(v[i] / (1 - Math.pow(0.95, t))) + 1e-20);
                w[i] = w[i] * (1 - 5 * rate * 0.1) - 5 * rate * direction;
            }
            optimizer.step(gradients, rate);
        }
        assertClose("w", w, parameter.value(), Tolerance.float32(4));
        assertClose("first", m, state(optimizer, "first.w"), Tolerance.float32(4));
        assertClose("second", v, state(optimizer, "second.w"), Tolerance.float32(4));
        assertEquals(4, state(optimizer, "steps.w").toInts()[0]);
    }

    private static Tensor state(Optimizer optimizer, String name) {
        Tensor tensor = optimizer.state().get(name);
        if (tensor == null) {
            throw new AssertionError("no " + name + " in " + optimizer.state().keySet());
        }
        return tensor;
    }

    @ParameterizedTest
    @EveryBackend(TestBackends.CORE)
    void aZeroGradientOnlyDecays(Backend backend) {
        Parameter first = parameter(backend, 2, 3);
        Parameter second = parameter(backend, 2, 3);
        double[] before = first.value().toDoubles();
        double[] decayed = new double[before.length];
        for (int i = 0; i < before.length; i++) {
            decayed[i] = before[i] * (1 - 0.5 * 0.1);
        }
        Tensor zeros = backend.tensors().zeros(Shape.of(2, 3));
        AdamWConfig.deepSeek()
                .init(ParameterMap.empty().with("w", first))
                .step(Autograd.backward(first.value(), zeros), 0.5);
        assertClose("AdamW", decayed, first.value(), Tolerance.float32(1));
        MuonConfig.deepSeek()
                .init(ParameterMap.empty().with("w", second))
                .step(Autograd.backward(second.value(), zeros), 0.5);
        assertClose("Muon", decayed, second.value(), Tolerance.float32(1));
    }

    @Test
    void muonMakesRowsOrColumnsOrthonormal() {
        for (int[] dims : new int[][] {{5, 9}, {9, 5}, {1, 4}, {7, 7}}) {
            Tensor x = Sample.gaussian("x", Seed.of("orthogonal"), dims).on(SCALAR);
            Tensor o = Muon.orthogonalized(x);
            boolean tall = dims[0] > dims[1];
            double[] gram = (tall ? MatMul.transposedMatmul(o, o) : MatMul.matmulTransposed(o, o)).toDoubles();
            int n = Math.min(dims[0], dims[1]);
            for (int i = 0; i < n * n; i++) {
                assertEquals(i / n == i % n ? 1 : 0, gram[i], 0.05, "element " + i + " for " + o.shape());
            }
        }
    }

    @Test
    void muonTreatsAStackMatrixByMatrix() {
        Tensor a = Sample.gaussian("a", Seed.of("stack"), 3, 5).on(SCALAR);
        Tensor b = Sample.gaussian("b", Seed.of("stack"), 3, 5).on(SCALAR);
        Tensor stack = SCALAR.layout().concat(List.of(a, scale(b, 100)), 0).viewedAs(Shape.of(2, 3, 5));
        Tensor expected = SCALAR.layout()
                .concat(List.of(Muon.orthogonalized(a), Muon.orthogonalized(b)), 0)
                .viewedAs(Shape.of(2, 3, 5));
        assertClose(
                "stack",
                expected,
                Muon.orthogonalized(stack),
                Tolerance.float32(5).times(10));
    }

    @Test
    void muonRefusesWhatIsNoMatrix() {
        var thrown = assertThrows(
                ShapeException.class,
                () -> MuonConfig.deepSeek().init(ParameterMap.empty().with("norm.weight", parameter(SCALAR, 4))));
        assertEquals(
                "muon: norm.weight [4] is neither a matrix nor a stack of matrices; give it to AdamW",
                thrown.getMessage());
    }

    @Test
    void parametersWithoutGradientStay() {
        Parameter used = parameter(SCALAR, 2);
        Parameter unused = parameter(SCALAR, 2);
        double[] before = unused.value().toDoubles();
        AdamW optimizer = AdamWConfig.standard()
                .init(ParameterMap.empty().with("used", used).with("unused", unused));
        optimizer.step(gradient(used, 0), 0.1);
        assertArrayEquals(before, unused.value().toDoubles());
        assertEquals(0, state(optimizer, "steps.unused").toInts()[0]);
    }

    @Test
    void stateContinuesBitwise() {
        Parameter through = parameter(SCALAR, 4, 3);
        Parameter resumed = parameter(SCALAR, 4, 3);
        Optimizer straight = combined(through);
        Optimizer before = combined(resumed);
        for (int i = 0; i < 3; i++) {
            straight.step(gradient(through, i), 0.1);
            before.step(gradient(resumed, i), 0.1);
        }
        Optimizer after = combined(resumed);
        after.restore(before.state());
        straight.step(gradient(through, 3), 0.1);
        after.step(gradient(resumed, 3), 0.1);
        assertArrayEquals(through.value().toFloats(), resumed.value().toFloats());
    }

    private static Optimizer combined(Parameter parameter) {
        return CombinedOptimizer.of(
                MuonConfig.deepSeek().init(ParameterMap.empty().with("w", parameter)),
                AdamWConfig.deepSeek().init(ParameterMap.empty().with("w", parameter)));
    }

    @Test
    void stateThatDoesNotFitIsRefused() {
        AdamW optimizer = AdamWConfig.standard().init(ParameterMap.empty().with("w", parameter(SCALAR, 2)));
        String message = Thrown.message(
                IllegalArgumentException.class,
                () -> optimizer.restore(Map.of("first.x", parameter(SCALAR, 2).value())));
        assertTrue(message.contains("missing [first.w, second.w, steps.w], unknown [first.x]"), message);
    }

    @Test
    void refusesMemoriesThatNeverForget() {
        assertEquals(
                "adamW: beta1 must be at least 0 and below 1 but is 1.0",
                Thrown.message(IllegalArgumentException.class, () -> new AdamWConfig(1, 0.9, 0, 0, 1)));
        assertThrows(IllegalArgumentException.class, () -> new AdamWConfig(0.9, 1, 0, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> new AdamWConfig(0.9, Double.NaN, 0, 0, 1));
    }

    @Test
    void clipsByTheNormOfAllGradients() {
        Parameter a = Parameter.learned(SCALAR.tensors().doubles(Shape.of(1), new double[] {3}));
        Parameter b = Parameter.learned(SCALAR.tensors().doubles(Shape.of(1), new double[] {4}));
        ParameterMap map = ParameterMap.empty().with("a", a).with("b", b);
        Tensor loss = Reduce.sum(add(multiply(a.value(), a.value()), multiply(b.value(), b.value())));
        Gradients gradients = Autograd.backward(scale(loss, 0.5));
        var clipped = GradientNorm.clip(map, gradients, 1);
        assertEquals(5, clipped.norm(), 1e-6);
        assertEquals(0.6, clipped.gradients().of(a.value()).item(), 1e-6);
        assertEquals(0.8, clipped.gradients().of(b.value()).item(), 1e-6);
        var untouched = GradientNorm.clip(map, gradients, 5.1);
        assertEquals(3, untouched.gradients().of(a.value()).item());
    }

    @Test
    void clippingNamesTheFirstGradientThatIsNotFinite() {
        for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            Parameter good = Parameter.learned(SCALAR.tensors().full(Shape.of(2), 1));
            Parameter bad = Parameter.learned(SCALAR.tensors().full(Shape.of(3), 1));
            ParameterMap map = ParameterMap.empty().with("good", good).with("bad", bad);
            Gradients gradients =
                    Autograd.backward(add(Reduce.sum(good.value()), Reduce.sum(scale(bad.value(), wrong))));
            String message = Thrown.message(ArithmeticException.class, () -> GradientNorm.clip(map, gradients, 1));
            assertTrue(message.contains("that of bad [3]"), message);
        }
    }
}
