package org.filigree.core.testkit;

import static org.filigree.core.testkit.OperationCases.dims;
import static org.filigree.core.testkit.OperationCases.shown;

import java.util.List;
import java.util.function.BinaryOperator;
import java.util.stream.Stream;
import org.filigree.core.op.Arithmetic;
import org.filigree.core.op.Broadcasting;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Functions of two elements under every kind of broadcasting. */
final class ArithmeticCases {
    private record Function(String name, BinaryOperator<Tensor> function) {}

    @SuppressWarnings("ArrayRecordComponent") // A row of the tables below, never compared.
    private record Pair(int[] left, int[] right) {
        String shown() {
            return OperationCases.shown(left) + OperationCases.shown(right);
        }
    }

    private static final List<Function> SMOOTH = List.of(
            new Function("add", Arithmetic::add),
            new Function("subtract", Arithmetic::subtract),
            new Function("multiply", Arithmetic::multiply),
            new Function("divide", Arithmetic::divide),
            new Function("maximum", Arithmetic::maximum),
            new Function("minimum", Arithmetic::minimum),
            new Function("copySign", Arithmetic::copySign));

    private static final List<Pair> PAIRS = List.of(
            new Pair(dims(), dims()),
            new Pair(dims(), dims(3)),
            new Pair(dims(9), dims()),
            new Pair(dims(1), dims(4)),
            new Pair(dims(7), dims(7)),
            new Pair(dims(17), dims(17)),
            new Pair(dims(3, 5), dims(5)),
            new Pair(dims(5), dims(3, 5)),
            new Pair(dims(8, 17), dims(8, 1)),
            new Pair(dims(8, 1), dims(8, 17)),
            new Pair(dims(1, 16), dims(5, 1)),
            new Pair(dims(3, 1, 5), dims(4, 1)),
            new Pair(dims(2, 1, 3, 1), dims(1, 4, 1, 5)),
            new Pair(dims(2, 3, 1), dims(2, 3, 9)),
            new Pair(dims(0, 3), dims(3)),
            new Pair(dims(2, 0), dims(2, 1)),
            new Pair(dims(1), dims(0)));

    private ArithmeticCases() {}

    static Stream<OperationCase> all() {
        return Stream.of(smooth(), ties(), large(), broadcasts()).flatMap(cases -> cases);
    }

    private static Sample operand(String name, int[] dims) {
        // Away from 0, where quotients and signs are smooth.
        return Sample.gaussian(name, Seed.of("ArithmeticCases"), dims).map(v -> Math.copySign(0.25 + Math.abs(v), v));
    }

    private static Stream<OperationCase> smooth() {
        return SMOOTH.stream()
                .flatMap(f -> PAIRS.stream()
                        .map(pair -> OperationCase.smooth(
                                "Arithmetic." + f.name + " " + pair.shown(),
                                64,
                                List.of(operand("a", pair.left), operand("b", pair.right)),
                                in -> f.function.apply(in.get(0), in.get(1)))));
    }

    private static Stream<OperationCase> ties() {
        double[] left = {1, 2, 3, 2, -1, 0, -0.0, 5, Double.NEGATIVE_INFINITY};
        double[] right = {2, 2, 2, 2, -1, -0.0, 0, -5, Double.NEGATIVE_INFINITY};
        Sample a = Sample.real("a", Shape.of(9), left);
        Sample b = Sample.real("b", Shape.of(9), right);
        return Stream.concat(
                Stream.of(
                        OperationCase.kinked(
                                "Arithmetic.maximum of ties",
                                1,
                                List.of(a, b),
                                in -> Arithmetic.maximum(in.get(0), in.get(1))),
                        OperationCase.kinked(
                                "Arithmetic.minimum of ties",
                                1,
                                List.of(a, b),
                                in -> Arithmetic.minimum(in.get(0), in.get(1))),
                        OperationCase.kinked(
                                "Arithmetic.copySign of zeros",
                                1,
                                List.of(a, b),
                                in -> Arithmetic.copySign(in.get(0), in.get(1))),
                        OperationCase.values(
                                "Arithmetic.maximum of NaN",
                                List.of(a.map(v -> v == 2 ? Double.NaN : v), b),
                                in -> Arithmetic.maximum(in.get(0), in.get(1))),
                        OperationCase.values(
                                "Arithmetic.minimum of NaN",
                                List.of(a, b.map(v -> v == 2 ? Double.NaN : v)),
                                in -> Arithmetic.minimum(in.get(0), in.get(1))),
                        OperationCase.values(
                                "Arithmetic.greater of ties",
                                List.of(a, b),
                                in -> Arithmetic.greater(in.get(0), in.get(1)))),
                PAIRS.stream()
                        .map(pair -> OperationCase.values(
                                "Arithmetic.greater " + pair.shown(),
                                List.of(operand("a", pair.left), operand("b", pair.right)),
                                in -> Arithmetic.greater(in.get(0), in.get(1)))));
    }

    /** Large enough for several chunks of a parallel loop. */
    private static Stream<OperationCase> large() {
        return Stream.of(
                        new Pair(dims(67, 1031), dims(67, 1031)),
                        new Pair(dims(67, 1031), dims(1031)),
                        new Pair(dims(67, 1), dims(67, 1031)))
                .flatMap(pair -> SMOOTH.stream()
                        .map(f -> OperationCase.kinked(
                                "Arithmetic." + f.name + " " + pair.shown(),
                                1031,
                                List.of(operand("a", pair.left), operand("b", pair.right)),
                                in -> f.function.apply(in.get(0), in.get(1)))));
    }

    private static Stream<OperationCase> broadcasts() {
        return Stream.of(
                        new Pair(dims(), dims(3)),
                        new Pair(dims(1), dims(0)),
                        new Pair(dims(5), dims(5)),
                        new Pair(dims(3, 1), dims(3, 9)),
                        new Pair(dims(1, 5), dims(4, 5)),
                        new Pair(dims(2, 1, 3, 1), dims(7, 2, 4, 3, 5)),
                        new Pair(dims(0, 1), dims(0, 4)))
                .map(pair -> OperationCase.smooth(
                        "Broadcasting.broadcastTo " + shown(pair.left) + " to " + shown(pair.right),
                        280,
                        List.of(operand("x", pair.left)),
                        in -> Broadcasting.broadcastTo(in.getFirst(), Shape.of(pair.right))));
    }
}
