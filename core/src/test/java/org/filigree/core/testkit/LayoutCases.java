package org.filigree.core.testkit;

import static org.filigree.core.testkit.OperationCases.dims;
import static org.filigree.core.testkit.OperationCases.shapes;
import static org.filigree.core.testkit.OperationCases.shown;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Concat;
import org.filigree.core.op.Permute;
import org.filigree.core.op.Reshape;
import org.filigree.core.op.Slice;
import org.filigree.core.op.Transfer;
import org.filigree.core.tensor.Shape;

/** Rearrangements, of both element types. */
@SuppressWarnings("ArrayRecordComponent") // The records are rows of tables, never compared.
final class LayoutCases {
    private LayoutCases() {}

    static Stream<OperationCase> all() {
        return Stream.of(permutes(), views(), slices(), splits(), concats(), transfers())
                .flatMap(cases -> cases);
    }

    private static Sample operand(String name, int... dims) {
        return Sample.gaussian(name, Seed.of("LayoutCases", shown(dims)), dims);
    }

    private static Sample whole(int... dims) {
        return Sample.indices("x", Seed.of("LayoutCases", shown(dims)), -9, 9, dims);
    }

    private static Stream<OperationCase> permutes() {
        record Order(int[] dims, int... order) {}
        return Stream.of(
                        new Order(dims()),
                        new Order(dims(5), 0),
                        new Order(dims(3, 7), 1, 0),
                        new Order(dims(9, 1), 1, 0),
                        new Order(dims(2, 3, 5), 0, 1, 2),
                        new Order(dims(2, 3, 5), 0, 2, 1),
                        new Order(dims(2, 3, 5), 1, 0, 2),
                        new Order(dims(2, 3, 5), 2, 0, 1),
                        new Order(dims(2, 3, 5), 1, 2, 0),
                        new Order(dims(2, 1, 3, 4), 3, 1, 0, 2),
                        new Order(dims(2, 3, 2, 5), 0, 2, 1, 3),
                        new Order(dims(2, 0, 3), 2, 1, 0))
                .flatMap(o -> {
                    String kind = " " + shown(o.dims) + " to " + shown(o.order);
                    return Stream.of(
                            OperationCase.smooth(
                                    "Permute.permute" + kind,
                                    1,
                                    List.of(operand("x", o.dims)),
                                    in -> Permute.permute(in.getFirst(), o.order)),
                            OperationCase.values(
                                    "Permute.permute of integers" + kind,
                                    List.of(whole(o.dims)),
                                    in -> Permute.permute(in.getFirst(), o.order)));
                });
    }

    private static Stream<OperationCase> views() {
        return Stream.of(
                OperationCase.smooth(
                        "Permute.transpose",
                        1,
                        List.of(operand("x", 2, 3, 5)),
                        in -> Permute.transpose(in.getFirst(), -1, 0)),
                OperationCase.smooth(
                        "Reshape.reshape", 1, List.of(operand("x", 3, 4)), in -> Reshape.reshape(in.getFirst(), 2, -1)),
                OperationCase.smooth(
                        "Reshape.reshape of nothing",
                        1,
                        List.of(operand("x", 0, 4)),
                        in -> Reshape.reshape(in.getFirst(), Shape.of(2, 0))),
                OperationCase.smooth(
                        "Reshape.reshape to a scalar",
                        1,
                        List.of(operand("x", 1, 1)),
                        in -> Reshape.reshape(in.getFirst())),
                OperationCase.smooth(
                        "Reshape.insertAxis",
                        1,
                        List.of(operand("x", 3, 4)),
                        in -> Reshape.insertAxis(in.getFirst(), -2)),
                OperationCase.smooth(
                        "Reshape.flatten",
                        1,
                        List.of(operand("x", 2, 3, 4, 5)),
                        in -> Reshape.flatten(in.getFirst(), 1, -2)),
                OperationCase.values(
                        "Reshape.reshape of integers", List.of(whole(3, 4)), in -> Reshape.reshape(in.getFirst(), 12)));
    }

    private static Stream<OperationCase> slices() {
        record Range(int axis, int from, int to, int... dims) {}
        return Stream.of(
                        new Range(0, 2, 5, 9),
                        new Range(0, 0, 0, 3),
                        new Range(0, 0, 3, 3),
                        new Range(1, 1, 3, 4, 5),
                        new Range(0, 3, 4, 4, 5),
                        new Range(-1, 0, 1, 2, 3, 4),
                        new Range(1, 2, 3, 2, 3, 4),
                        new Range(1, 1, 2, 0, 3))
                .flatMap(r -> {
                    String kind = " " + shown(r.dims) + " axis " + r.axis + " from " + r.from + " to " + r.to;
                    return Stream.of(
                            OperationCase.smooth(
                                    "Slice.slice" + kind,
                                    1,
                                    List.of(operand("x", r.dims)),
                                    in -> Slice.slice(in.getFirst(), r.axis, r.from, r.to)),
                            OperationCase.values(
                                    "Slice.slice of integers" + kind,
                                    List.of(whole(r.dims)),
                                    in -> Slice.slice(in.getFirst(), r.axis, r.from, r.to)));
                });
    }

    private static Stream<OperationCase> splits() {
        record Parts(int axis, int[] dims, int... sizes) {}
        return Stream.of(
                        new Parts(0, dims(9), 2, 7),
                        new Parts(1, dims(3, 8), 1, 0, 5, 2),
                        new Parts(-2, dims(2, 5, 3), 4, 1),
                        new Parts(0, dims(4), 4))
                .flatMap(p -> {
                    String kind = " " + shown(p.dims) + " axis " + p.axis + " " + shown(p.sizes);
                    return Stream.of(
                            new OperationCase(
                                    "Slice.split" + kind,
                                    List.of(operand("x", p.dims)),
                                    1,
                                    OperationCase.Check.DIFFERENCES,
                                    in -> Slice.split(in.getFirst(), p.axis, p.sizes)),
                            OperationCase.smooth(
                                    "Slice.split with parts unused" + kind,
                                    1,
                                    List.of(operand("x", p.dims)),
                                    in -> Slice.split(in.getFirst(), p.axis, p.sizes)
                                            .getLast()));
                });
    }

    private static Stream<OperationCase> concats() {
        record Parts(int axis, int[]... dims) {}
        return Stream.of(
                        new Parts(0, dims(3)),
                        new Parts(0, dims(3), dims(0), dims(5)),
                        new Parts(1, dims(2, 3), dims(2, 1), dims(2, 4)),
                        new Parts(0, dims(2, 3), dims(4, 3)),
                        new Parts(-2, dims(2, 1, 3), dims(2, 2, 3)),
                        new Parts(1, dims(0, 3), dims(0, 2)))
                .flatMap(p -> {
                    String kind = " axis " + p.axis + " of "
                            + shapes(p.dims).map(OperationCases::shown).toList();
                    List<Sample> parts = IntStream.range(0, p.dims.length)
                            .mapToObj(i -> operand("part" + i, p.dims[i]))
                            .toList();
                    List<Sample> integers = IntStream.range(0, p.dims.length)
                            .mapToObj(i -> whole(p.dims[i]))
                            .toList();
                    return Stream.of(
                            OperationCase.smooth("Concat.concat" + kind, 1, parts, in -> Concat.concat(p.axis, in)),
                            OperationCase.values(
                                    "Concat.concat of integers" + kind, integers, in -> Concat.concat(p.axis, in)));
                });
    }

    private static Stream<OperationCase> transfers() {
        return Stream.of(OperationCase.kinked("Transfer.to and back", 1, List.of(operand("x", 3, 5)), in -> {
            var own = Backend.of(in.getFirst());
            return Transfer.to(own, Transfer.to(TestBackends.get("scalar"), in.getFirst()));
        }));
    }
}
