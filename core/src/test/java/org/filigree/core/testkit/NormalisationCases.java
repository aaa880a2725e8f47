package org.filigree.core.testkit;

import static org.filigree.core.testkit.OperationCases.dims;
import static org.filigree.core.testkit.OperationCases.shapes;
import static org.filigree.core.testkit.OperationCases.shown;

import java.util.List;
import java.util.stream.Stream;
import org.filigree.core.op.LayerNorm;
import org.filigree.core.op.RmsNorm;
import org.filigree.core.tensor.Shape;

/** Normalisation over the last axis. */
final class NormalisationCases {
    private static final double EPS = 1e-5;

    private NormalisationCases() {}

    static Stream<OperationCase> all() {
        return Stream.of(small(), large(), zeros()).flatMap(cases -> cases);
    }

    private static Sample operand(String name, int... dims) {
        return Sample.gaussian(name, Seed.of("NormalisationCases", shown(dims)), dims);
    }

    private static Stream<OperationCase> small() {
        return shapes(dims(1), dims(7), dims(3, 2), dims(2, 8), dims(3, 9), dims(2, 3, 17), dims(0, 8))
                .flatMap(dims -> of(OperationCase.Check.DIFFERENCES, dims));
    }

    /** Large enough for several chunks of a parallel loop. */
    private static Stream<OperationCase> large() {
        return of(OperationCase.Check.ORACLE, dims(131, 1031));
    }

    private static Stream<OperationCase> of(OperationCase.Check check, int... dims) {
        Sample x = operand("x", dims);
        int width = dims[dims.length - 1];
        Sample weight = operand("weight", width).map(v -> v + 2);
        Sample bias = operand("bias", width);
        // A row of one or two elements normalises to ±1, whose gradient cancels from terms as large as the inverse
        // deviation.
        int reduction = Math.max(width, 100);
        return Stream.of(
                new OperationCase(
                        "RmsNorm.rmsNorm " + shown(dims),
                        List.of(x),
                        reduction,
                        check,
                        TensorFunction.of(in -> RmsNorm.rmsNorm(in.getFirst(), EPS))),
                new OperationCase(
                        "RmsNorm.rmsNorm weighted " + shown(dims),
                        List.of(x, weight),
                        reduction,
                        check,
                        TensorFunction.of(in -> RmsNorm.rmsNorm(in.get(0), in.get(1), EPS))),
                new OperationCase(
                        "LayerNorm.layerNorm " + shown(dims),
                        List.of(x, weight, bias),
                        reduction,
                        check,
                        TensorFunction.of(in -> LayerNorm.layerNorm(in.get(0), in.get(1), in.get(2), EPS))));
    }

    private static Stream<OperationCase> zeros() {
        Sample x = Sample.real("x", Shape.of(2, 9), new double[18]);
        return Stream.of(
                OperationCase.smooth(
                        "RmsNorm.rmsNorm of zeros", 9, List.of(x), in -> RmsNorm.rmsNorm(in.getFirst(), 0.5)),
                OperationCase.smooth(
                        "RmsNorm.rmsNorm weighted of zeros",
                        9,
                        List.of(x, operand("weight", 9)),
                        in -> RmsNorm.rmsNorm(in.get(0), in.get(1), 0.5)));
    }
}
