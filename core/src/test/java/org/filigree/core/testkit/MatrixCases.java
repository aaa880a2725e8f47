package org.filigree.core.testkit;

import static org.filigree.core.testkit.OperationCases.dims;
import static org.filigree.core.testkit.OperationCases.shown;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.filigree.core.op.GroupedMatMul;
import org.filigree.core.op.Hadamard;
import org.filigree.core.op.MatMul;
import org.filigree.core.tensor.Shape;

/** Matrix products in every form and batching, with edges around the tiles of blocked kernels. */
@SuppressWarnings("ArrayRecordComponent") // The records are rows of tables, never compared.
final class MatrixCases {
    /** An extent of m, n and k each. */
    private record Extents(int m, int n, int k) {
        long longest() {
            return Math.max(Math.max(m, n), Math.max(k, 1));
        }
    }

    private static final List<Extents> SMALL = List.of(
            new Extents(1, 1, 1),
            new Extents(2, 3, 4),
            new Extents(1, 17, 5),
            new Extents(7, 1, 9),
            new Extents(8, 8, 8),
            new Extents(5, 9, 17),
            new Extents(3, 5, 0),
            new Extents(0, 4, 3),
            new Extents(4, 0, 3));

    private static final List<Extents> LARGE = List.of(
            new Extents(65, 67, 131),
            new Extents(1, 257, 129),
            new Extents(33, 16, 300),
            new Extents(97, 31, 1),
            new Extents(8, 515, 64));

    private MatrixCases() {}

    static Stream<OperationCase> all() {
        return Stream.of(
                        SMALL.stream().flatMap(e -> forms(e, OperationCase.Check.DIFFERENCES)),
                        LARGE.stream().flatMap(e -> forms(e, OperationCase.Check.ORACLE)),
                        batches(),
                        groups(),
                        hadamards())
                .flatMap(cases -> cases);
    }

    private static Sample operand(String name, int... dims) {
        return Sample.gaussian(name, Seed.of("MatrixCases", shown(dims)), dims);
    }

    private static Stream<OperationCase> forms(Extents e, OperationCase.Check check) {
        String extents = e.m + "·" + e.n + "·" + e.k;
        return Stream.of(
                new OperationCase(
                        "MatMul.matmul " + extents,
                        List.of(operand("a", e.m, e.k), operand("b", e.k, e.n)),
                        e.longest(),
                        check,
                        TensorFunction.of(in -> MatMul.matmul(in.get(0), in.get(1)))),
                new OperationCase(
                        "MatMul.matmulTransposed " + extents,
                        List.of(operand("a", e.m, e.k), operand("b", e.n, e.k)),
                        e.longest(),
                        check,
                        TensorFunction.of(in -> MatMul.matmulTransposed(in.get(0), in.get(1)))),
                new OperationCase(
                        "MatMul.transposedMatmul " + extents,
                        List.of(operand("a", e.k, e.m), operand("b", e.k, e.n)),
                        e.longest(),
                        check,
                        TensorFunction.of(in -> MatMul.transposedMatmul(in.get(0), in.get(1)))));
    }

    private static int[] joined(int[] batch, int rows, int columns) {
        return IntStream.concat(IntStream.of(batch), IntStream.of(rows, columns))
                .toArray();
    }

    private static Stream<OperationCase> batches() {
        record Batches(int[] left, int[] right) {}
        return Stream.of(
                        new Batches(dims(3), dims(3)),
                        new Batches(dims(2, 3), dims(2, 3)),
                        new Batches(dims(3), dims()),
                        new Batches(dims(), dims(3)),
                        new Batches(dims(2, 2), dims()),
                        new Batches(dims(), dims(2, 2)),
                        new Batches(dims(1), dims(1)),
                        new Batches(dims(0), dims(0)),
                        new Batches(dims(0), dims()),
                        new Batches(dims(), dims(0)))
                .flatMap(b -> {
                    String shown = "batches " + shown(b.left) + shown(b.right);
                    return Stream.of(
                            OperationCase.smooth(
                                    "MatMul.matmul " + shown,
                                    20,
                                    List.of(operand("a", joined(b.left, 3, 5)), operand("b", joined(b.right, 5, 2))),
                                    in -> MatMul.matmul(in.get(0), in.get(1))),
                            OperationCase.smooth(
                                    "MatMul.matmulTransposed " + shown,
                                    20,
                                    List.of(operand("a", joined(b.left, 3, 5)), operand("b", joined(b.right, 2, 5))),
                                    in -> MatMul.matmulTransposed(in.get(0), in.get(1))),
                            OperationCase.smooth(
                                    "MatMul.transposedMatmul " + shown,
                                    20,
                                    List.of(operand("a", joined(b.left, 5, 3)), operand("b", joined(b.right, 5, 2))),
                                    in -> MatMul.transposedMatmul(in.get(0), in.get(1))));
                });
    }

    private static Stream<OperationCase> groups() {
        record Groups(int n, int k, int... offsets) {
            int rows() {
                return offsets[offsets.length - 1];
            }
        }
        return Stream.of(
                        new Groups(3, 5, 0, 2, 2, 7),
                        new Groups(1, 1, 0, 1),
                        new Groups(4, 3, 0, 0, 0),
                        new Groups(4, 3, 0),
                        new Groups(2, 9, 0, 0, 8, 9, 9),
                        new Groups(17, 8, 0, 1, 2, 3))
                .map(g -> OperationCase.smooth(
                        "GroupedMatMul.groupedMatmul " + shown(g.offsets) + " n " + g.n + " k " + g.k,
                        17,
                        List.of(
                                operand("x", g.rows(), g.k),
                                operand("weights", g.offsets.length - 1, g.n, g.k),
                                Sample.ints("offsets", Shape.of(g.offsets.length), g.offsets)),
                        in -> GroupedMatMul.groupedMatmul(in.get(0), in.get(1), in.get(2))));
    }

    private static Stream<OperationCase> hadamards() {
        return OperationCases.shapes(dims(1), dims(2), dims(8), dims(3, 16), dims(2, 3, 4), dims(0, 8), dims(2, 64))
                .map(dims -> OperationCase.smooth(
                        "Hadamard.hadamard " + shown(dims),
                        64,
                        List.of(operand("x", dims)),
                        in -> Hadamard.hadamard(in.getFirst())));
    }
}
