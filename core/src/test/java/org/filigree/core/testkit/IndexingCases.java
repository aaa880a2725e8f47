package org.filigree.core.testkit;

import static org.filigree.core.testkit.OperationCases.dims;
import static org.filigree.core.testkit.OperationCases.repeated;
import static org.filigree.core.testkit.OperationCases.shown;

import java.util.List;
import java.util.stream.Stream;
import org.filigree.core.op.Gather;
import org.filigree.core.op.ScatterAdd;
import org.filigree.core.op.TopK;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Access through indices: repeated, missing (−1) and none at all; largest elements with ties and NaN. */
@SuppressWarnings("ArrayRecordComponent") // The records are rows of tables, never compared.
final class IndexingCases {
    private IndexingCases() {}

    static Stream<OperationCase> all() {
        return Stream.of(rows(), last(), largest()).flatMap(cases -> cases);
    }

    private static Sample operand(String name, int... dims) {
        return Sample.gaussian(name, Seed.of("IndexingCases", shown(dims)), dims);
    }

    private static Stream<OperationCase> rows() {
        record Rows(int[] table, int[] shape, int... indices) {}
        return Stream.of(
                        new Rows(dims(5, 3), dims(4), 4, 0, 0, 2),
                        new Rows(dims(5, 3), dims(2, 3), -1, 1, 1, 4, -1, 1),
                        new Rows(dims(4), dims(3), 3, -1, 3),
                        new Rows(dims(3, 2, 2), dims(2), 2, 1),
                        new Rows(dims(7, 17), dims(1, 1), 6),
                        new Rows(dims(2, 3), dims(), 1),
                        new Rows(dims(2, 3), dims(0)),
                        new Rows(dims(0, 3), dims(2), -1, -1),
                        new Rows(dims(2, 0), dims(2), 1, 0))
                .flatMap(r -> {
                    String kind = " " + shown(r.table) + " at " + shown(r.shape) + shown(r.indices);
                    Shape shape = Shape.of(r.shape);
                    Sample indices = Sample.ints("indices", shape, r.indices);
                    Shape source = shape.leading(
                            shape.rank(), Shape.of(r.table).without(0).toArray());
                    return Stream.of(
                            OperationCase.smooth(
                                    "Gather.gather" + kind,
                                    6,
                                    List.of(operand("table", r.table), indices),
                                    in -> Gather.gather(in.get(0), in.get(1))),
                            OperationCase.values(
                                    "Gather.gather of integers" + kind,
                                    List.of(Sample.indices("table", Seed.of(kind), -9, 9, r.table), indices),
                                    in -> Gather.gather(in.get(0), in.get(1))),
                            OperationCase.smooth(
                                    "ScatterAdd.scatterAdd" + kind,
                                    6,
                                    List.of(operand("source", source.toArray()), indices),
                                    in -> ScatterAdd.scatterAdd(in.get(0), in.get(1), r.table[0])));
                });
    }

    private static Stream<OperationCase> last() {
        record Places(int width, int[] shape, int... indices) {}
        return Stream.of(
                        new Places(5, dims(3), 4, 0, 4),
                        new Places(5, dims(2, 3), -1, 1, 1, 4, -1, 0),
                        new Places(3, dims(2, 2, 1), 2, 0, -1, 1),
                        new Places(1, dims(4, 1), 0, 0, -1, 0),
                        new Places(4, dims(2, 0)),
                        new Places(4, dims(0, 2)),
                        new Places(0, dims(2, 1), -1, -1))
                .flatMap(p -> {
                    String kind = " " + p.width + " at " + shown(p.shape) + shown(p.indices);
                    Shape shape = Shape.of(p.shape);
                    Sample indices = Sample.ints("indices", shape, p.indices);
                    return Stream.of(
                            OperationCase.smooth(
                                    "Gather.gatherLast" + kind,
                                    3,
                                    List.of(
                                            operand(
                                                    "x",
                                                    shape.withDim(-1, p.width).toArray()),
                                            indices),
                                    in -> Gather.gatherLast(in.get(0), in.get(1))),
                            OperationCase.smooth(
                                    "ScatterAdd.scatterAddLast" + kind,
                                    3,
                                    List.of(operand("source", p.shape), indices),
                                    in -> ScatterAdd.scatterAddLast(in.get(0), in.get(1), p.width)));
                });
    }

    private static Stream<OperationCase> largest() {
        Sample ties = Sample.real("x", Shape.of(3, 17), repeated(51, 1, 3, 3, -0.0, 0, 3, 2, -1));
        Sample masked = Sample.real(
                "x", Shape.of(2, 9), repeated(18, Double.NEGATIVE_INFINITY, 1, Double.POSITIVE_INFINITY, 1, -5));
        Sample missing = Sample.real(
                "x", Shape.of(3, 9), repeated(27, Double.NaN, 1, Double.NEGATIVE_INFINITY, Double.NaN, 2, 2, 3));
        return Stream.concat(
                Stream.of(dims(1), dims(9), dims(3, 8), dims(2, 3, 17), dims(0, 4))
                        .flatMap(dims -> Stream.of(0, 1, dims[dims.length - 1])
                                .distinct()
                                .map(k ->
                                        largest(shown(dims), operand("x", dims), k, OperationCase.Check.DIFFERENCES))),
                Stream.of(
                        largest("of ties", ties, 9, OperationCase.Check.ORACLE),
                        largest("of all ties", ties, 17, OperationCase.Check.ORACLE),
                        largest("of masked rows", masked, 7, OperationCase.Check.ORACLE),
                        largest("of NaN", missing.constant(), 8, OperationCase.Check.VALUES)));
    }

    private static OperationCase largest(String kind, Sample x, int k, OperationCase.Check check) {
        return new OperationCase("TopK.topK " + kind + " k " + k, List.of(x), 1, check, in -> {
            var largest = TopK.topK(in.getFirst(), k);
            return List.<Tensor>of(largest.values(), largest.indices());
        });
    }
}
