package org.filigree.core.testkit;

import static org.filigree.core.testkit.OperationCases.dims;
import static org.filigree.core.testkit.OperationCases.repeated;
import static org.filigree.core.testkit.OperationCases.shapes;
import static org.filigree.core.testkit.OperationCases.shown;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.filigree.core.op.CrossEntropy;
import org.filigree.core.op.CumulativeSum;
import org.filigree.core.op.LogSumExp;
import org.filigree.core.op.Reduce;
import org.filigree.core.op.Softmax;
import org.filigree.core.tensor.Shape;

/** Sums, maxima and what stands on them, along every axis, with masked rows, ties and empty axes. */
@SuppressWarnings("ArrayRecordComponent") // The records are rows of tables, never compared.
final class ReductionCases {
    private static final double MASKED = Double.NEGATIVE_INFINITY;

    private ReductionCases() {}

    static Stream<OperationCase> all() {
        return Stream.of(axes(), large(), whole(), maxima(), rows(), masks(), crossEntropies())
                .flatMap(cases -> cases);
    }

    private static Sample operand(int... dims) {
        return Sample.gaussian("x", Seed.of("ReductionCases", shown(dims)), dims);
    }

    private static Stream<OperationCase> axes() {
        return shapes(dims(1), dims(9), dims(3, 5, 7), dims(2, 33), dims(17, 3), dims(5, 1), dims(0, 3), dims(4, 0))
                .flatMap(dims -> IntStream.range(-dims.length, dims.length)
                        .boxed()
                        .flatMap(axis -> {
                            Sample x = operand(dims);
                            String place = " " + shown(dims) + " axis " + axis;
                            boolean empty = x.shape().dim(axis) == 0;
                            return Stream.concat(
                                    Stream.of(
                                            OperationCase.smooth(
                                                    "Reduce.sum" + place,
                                                    33,
                                                    List.of(x),
                                                    in -> Reduce.sum(in.getFirst(), axis)),
                                            OperationCase.smooth(
                                                    "CumulativeSum.cumulativeSum" + place,
                                                    33,
                                                    List.of(x),
                                                    in -> CumulativeSum.cumulativeSum(in.getFirst(), axis))),
                                    empty
                                            ? Stream.empty()
                                            : Stream.of(
                                                    OperationCase.smooth(
                                                            "Reduce.mean" + place,
                                                            33,
                                                            List.of(x),
                                                            in -> Reduce.mean(in.getFirst(), axis)),
                                                    OperationCase.smooth(
                                                            "Reduce.max" + place,
                                                            1,
                                                            List.of(x),
                                                            in -> Reduce.max(in.getFirst(), axis))));
                        }));
    }

    /** Large enough for several chunks of a parallel loop, inner axis and outer. */
    private static Stream<OperationCase> large() {
        return Stream.of(0, 1).flatMap(axis -> {
            Sample x = operand(131, 1031);
            String place = " " + shown(131, 1031) + " axis " + axis;
            return Stream.of(
                    OperationCase.kinked("Reduce.sum" + place, 1031, List.of(x), in -> Reduce.sum(in.getFirst(), axis)),
                    OperationCase.kinked("Reduce.max" + place, 1, List.of(x), in -> Reduce.max(in.getFirst(), axis)),
                    OperationCase.kinked(
                            "CumulativeSum.cumulativeSum" + place,
                            1031,
                            List.of(x),
                            in -> CumulativeSum.cumulativeSum(in.getFirst(), axis)));
        });
    }

    private static Stream<OperationCase> whole() {
        return shapes(dims(), dims(1), dims(17), dims(3, 5))
                .flatMap(dims -> Stream.of(
                        OperationCase.smooth(
                                "Reduce.sum of all " + shown(dims),
                                17,
                                List.of(operand(dims)),
                                in -> Reduce.sum(in.getFirst())),
                        OperationCase.smooth(
                                "Reduce.mean of all " + shown(dims),
                                17,
                                List.of(operand(dims)),
                                in -> Reduce.mean(in.getFirst()))));
    }

    private static Stream<OperationCase> maxima() {
        Sample ties = Sample.real("x", Shape.of(3, 9), repeated(27, 1, 3, 3, 0, -1, 3, 2));
        Sample masked = Sample.real("x", Shape.of(2, 3), MASKED, MASKED, MASKED, 1, MASKED, 2);
        Sample missing = Sample.real("x", Shape.of(2, 9), repeated(18, 1, 2, 3, 4, Double.NaN, 5, 6, 7, 8, 9));
        return Stream.of(
                OperationCase.kinked(
                        "Reduce.max of ties along rows", 1, List.of(ties), in -> Reduce.max(in.getFirst(), 1)),
                OperationCase.kinked(
                        "Reduce.max of ties along columns", 1, List.of(ties), in -> Reduce.max(in.getFirst(), 0)),
                OperationCase.kinked(
                        "Reduce.max of masked rows", 1, List.of(masked), in -> Reduce.max(in.getFirst(), 1)),
                OperationCase.values(
                        "Reduce.max of NaN", List.of(missing.constant()), in -> Reduce.max(in.getFirst(), 1)),
                OperationCase.values(
                        "Reduce.max of NaN along columns",
                        List.of(missing.constant()),
                        in -> Reduce.max(in.getFirst(), 0)));
    }

    private static Stream<OperationCase> rows() {
        return Stream.concat(
                shapes(dims(1), dims(9), dims(3, 1), dims(2, 7), dims(2, 8), dims(3, 17), dims(2, 3, 5), dims(0, 4))
                        .flatMap(dims -> {
                            Sample x = operand(dims).map(v -> 3 * v);
                            return Stream.of(
                                    OperationCase.smooth(
                                            "Softmax.softmax " + shown(dims),
                                            17,
                                            List.of(x),
                                            in -> Softmax.softmax(in.getFirst())),
                                    OperationCase.smooth(
                                            "LogSumExp.logSumExp " + shown(dims),
                                            17,
                                            List.of(x),
                                            in -> LogSumExp.logSumExp(in.getFirst())));
                        }),
                Stream.of(
                        OperationCase.kinked(
                                "Softmax.softmax " + shown(67, 1031),
                                1031,
                                List.of(operand(67, 1031)),
                                in -> Softmax.softmax(in.getFirst())),
                        OperationCase.kinked(
                                "LogSumExp.logSumExp " + shown(67, 1031),
                                1031,
                                List.of(operand(67, 1031)),
                                in -> LogSumExp.logSumExp(in.getFirst()))));
    }

    private static Stream<OperationCase> masks() {
        double[] pattern = {1, MASKED, -2, 0.5, MASKED};
        double[] masked = repeated(27, pattern);
        Arrays.fill(masked, 9, 18, MASKED);
        Sample some = Sample.real("x", Shape.of(3, 9), masked);
        Sample steep = Sample.real("x", Shape.of(2, 9), repeated(18, 1e4, -1e4, 9999, 0, 1e4));
        return Stream.of(some, steep).flatMap(x -> {
            String kind = x.equals(some) ? " of masked rows" : " of steep rows";
            return Stream.of(
                    OperationCase.kinked("Softmax.softmax" + kind, 9, List.of(x), in -> Softmax.softmax(in.getFirst())),
                    OperationCase.kinked(
                            "LogSumExp.logSumExp" + kind, 9, List.of(x), in -> LogSumExp.logSumExp(in.getFirst())));
        });
    }

    private static Stream<OperationCase> crossEntropies() {
        record Rows(int classes, int... targets) {}
        Sample spoilt = Sample.real("logits", Shape.of(4, 2), MASKED, MASKED, 1, 2, Double.NaN, 0, MASKED, 3);
        Sample skipping = Sample.ints("targets", Shape.of(4), -1, 1, -1, -1);
        OperationCase skipped = OperationCase.kinked(
                "CrossEntropy.losses of skipped rows without a finite loss",
                2,
                List.of(spoilt, skipping),
                in -> CrossEntropy.losses(in.get(0), in.get(1)));
        return Stream.concat(
                Stream.of(skipped),
                Stream.of(
                                new Rows(5, 0, 4, 2),
                                new Rows(1, 0, 0),
                                new Rows(9, -1, 8, -1, 3),
                                new Rows(7, -1, -1),
                                new Rows(17, 16),
                                new Rows(4))
                        .flatMap(r -> {
                            Sample logits = operand(r.targets.length, r.classes).map(v -> 3 * v);
                            Sample targets = Sample.ints("targets", Shape.of(r.targets.length), r.targets);
                            String kind = " " + shown(r.targets) + " of " + r.classes;
                            return Stream.of(
                                    OperationCase.smooth(
                                            "CrossEntropy.crossEntropy" + kind,
                                            r.classes,
                                            List.of(logits, targets),
                                            in -> CrossEntropy.crossEntropy(in.get(0), in.get(1))),
                                    OperationCase.smooth(
                                            "CrossEntropy.losses" + kind,
                                            r.classes,
                                            List.of(logits, targets),
                                            in -> CrossEntropy.losses(in.get(0), in.get(1))));
                        }));
    }
}
