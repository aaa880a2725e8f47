package org.filigree.core.testkit;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** The one test body of all operations: values and gradients of a case on a backend against an oracle. */
public final class OperationSuite {
    private static final Map<String, Map<String, double[]>> DIFFERENCES = new ConcurrentHashMap<>();

    private OperationSuite() {}

    /**
     * Requires the values and gradients of a case to agree with those of another backend.
     *
     * @param each the case
     * @param oracle backend to agree with
     * @param backend under test
     */
    public static void agree(OperationCase each, Backend oracle, Backend backend) {
        Tolerance tolerance = Tolerance.of(backend, each.reduction());
        if (each.check() == OperationCase.Check.VALUES) {
            var expected = each.function()
                    .apply(each.inputs().stream().map(in -> in.on(oracle)).toList());
            var actual = each.function()
                    .apply(each.inputs().stream().map(in -> in.on(backend)).toList());
            for (int i = 0; i < expected.size(); i++) {
                value(each + " on " + backend.name(), i, expected.get(i), actual.get(i), tolerance);
            }
            return;
        }
        Evaluation expected = Evaluation.of(oracle, each.inputs(), each.function());
        Evaluation actual = Evaluation.of(backend, each.inputs(), each.function());
        for (int i = 0; i < expected.outputs().size(); i++) {
            value(
                    each + " on " + backend.name(),
                    i,
                    expected.outputs().get(i),
                    actual.outputs().get(i),
                    tolerance);
        }
        expected.gradients()
                .forEach((name, gradient) -> Compare.assertClose(
                        each + " on " + backend.name() + ": gradient of " + name,
                        gradient,
                        actual.gradient(name),
                        // Upstream gradients are of magnitude 1, and so is what cancels in a gradient that is nearly 0.
                        tolerance.withFloor(1)));
    }

    /**
     * Requires the gradients of a smooth case to agree with central differences in double precision; each case is differenced once.
     *
     * @param each a case to be checked by {@link OperationCase.Check#DIFFERENCES}
     * @param backend under test
     */
    public static void differences(OperationCase each, Backend backend) {
        Map<String, double[]> expected = DIFFERENCES.computeIfAbsent(
                each.name(), name -> GradientCheck.differences(TestBackends.oracle(), each.inputs(), each.function()));
        Tolerance tolerance =
                Tolerance.of(backend, each.reduction()).withFloor(1).or(Tolerance.CENTRAL_DIFFERENCES);
        Evaluation actual = Evaluation.of(backend, each.inputs(), each.function());
        actual.gradients()
                .forEach((name, gradient) -> Compare.assertClose(
                        each + " on " + backend.name() + ": gradient of " + name + " against differences",
                        expected.getOrDefault(name, new double[0]),
                        gradient,
                        tolerance));
    }

    private static void value(String each, int output, Tensor expected, Tensor actual, Tolerance tolerance) {
        if (expected.dtype() != actual.dtype()) {
            throw new AssertionError(each + ": result " + output + " is " + actual.dtype());
        }
        Shape shape = expected.shape();
        Compare.assertClose(
                each + ": result " + output + " " + shape,
                expected,
                actual,
                expected.dtype() == DType.INT32 ? Tolerance.EXACT : tolerance);
    }
}
