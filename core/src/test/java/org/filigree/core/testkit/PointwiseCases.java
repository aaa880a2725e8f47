package org.filigree.core.testkit;

import static org.filigree.core.testkit.OperationCases.dims;
import static org.filigree.core.testkit.OperationCases.shapes;
import static org.filigree.core.testkit.OperationCases.shown;

import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.filigree.core.backend.Unary;
import org.filigree.core.op.Affine;
import org.filigree.core.op.Clamp;
import org.filigree.core.op.Pointwise;
import org.filigree.core.op.Select;
import org.filigree.core.op.SwiGlu;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Functions of single elements: lengths around the lanes of every vector width, and arguments where formulas break. */
final class PointwiseCases {
    private static final double INFINITY = Double.POSITIVE_INFINITY;

    /** Where the function is smooth: the numbers are mapped there. */
    private enum Domain {
        REAL,
        NONZERO,
        POSITIVE;

        double of(double v) {
            return switch (this) {
                case REAL -> 2 * v;
                case NONZERO -> Math.copySign(0.25 + Math.abs(v), v);
                case POSITIVE -> 0.25 + Math.abs(v);
            };
        }
    }

    private record Function(String name, Domain domain, UnaryOperator<Tensor> function) {}

    private static final List<Function> FUNCTIONS = List.of(
            new Function("negate", Domain.REAL, Pointwise::negate),
            new Function("exp", Domain.REAL, Pointwise::exp),
            new Function("log", Domain.POSITIVE, Pointwise::log),
            new Function("sqrt", Domain.POSITIVE, Pointwise::sqrt),
            new Function("rsqrt", Domain.POSITIVE, Pointwise::rsqrt),
            new Function("reciprocal", Domain.NONZERO, Pointwise::reciprocal),
            new Function("square", Domain.REAL, Pointwise::square),
            new Function("abs", Domain.NONZERO, Pointwise::abs),
            new Function("sign", Domain.NONZERO, Pointwise::sign),
            new Function("sigmoid", Domain.REAL, Pointwise::sigmoid),
            new Function("tanh", Domain.REAL, Pointwise::tanh),
            new Function("silu", Domain.REAL, Pointwise::silu),
            new Function("softplus", Domain.REAL, Pointwise::softplus),
            new Function("relu", Domain.NONZERO, Pointwise::relu),
            new Function("apply", Domain.REAL, x -> Pointwise.apply(Unary.TANH, x)));

    private static final double[] EXTREME = {0, -0.0, 1e-20, -1e-20, 20, 20.5, -20.5, 60, -60, 80, -80, 1, -1, 0.5};

    private PointwiseCases() {}

    static Stream<OperationCase> all() {
        return Stream.of(ofSizes(), ofExtremes(), ofNumbers(), choices(), gates())
                .flatMap(cases -> cases);
    }

    private static Stream<OperationCase> ofSizes() {
        return FUNCTIONS.stream()
                .flatMap(f -> shapes(
                                dims(), dims(0), dims(1), dims(7), dims(8), dims(9), dims(3, 5), dims(31), dims(67))
                        .map(dims -> {
                            String name = "Pointwise." + f.name + " " + shown(dims);
                            Sample x = Sample.gaussian("x", Seed.of(name), dims).map(f.domain::of);
                            return OperationCase.smooth(name, 1, List.of(x), in -> f.function.apply(in.getFirst()));
                        }));
    }

    private static Stream<OperationCase> ofExtremes() {
        return FUNCTIONS.stream().flatMap(f -> {
            double[] inside = Arrays.stream(EXTREME)
                    .map(v -> f.domain == Domain.POSITIVE ? Math.abs(v) : v)
                    .filter(v -> v != 0 || f.domain == Domain.REAL)
                    .filter(v -> Math.abs(v) > 1e-9 || f.domain != Domain.NONZERO)
                    .filter(v -> v >= 1e-9 || f.domain != Domain.POSITIVE)
                    .toArray();
            Sample extreme = Sample.real("x", Shape.of(inside.length), inside);
            Sample missing = Sample.real("x", Shape.of(9), 1, 2, 3, Double.NaN, 4, 5, 6, 7, Double.NaN);
            return Stream.of(
                    OperationCase.kinked(
                            "Pointwise." + f.name + " of extremes",
                            1,
                            List.of(extreme),
                            in -> f.function.apply(in.getFirst())),
                    OperationCase.values(
                            "Pointwise." + f.name + " of NaN",
                            List.of(missing.constant()),
                            in -> f.function.apply(in.getFirst())));
        });
    }

    private static Stream<OperationCase> ofNumbers() {
        return shapes(dims(), dims(0), dims(1), dims(15), dims(17), dims(4, 9)).flatMap(dims -> {
            Sample x = Sample.gaussian("x", Seed.of("ofNumbers", shown(dims)), dims);
            Sample tied = x.map(v -> Math.rint(2 * v) / 2);
            return Stream.of(
                    OperationCase.smooth(
                            "Affine.scale " + shown(dims), 1, List.of(x), in -> Affine.scale(in.getFirst(), -1.5)),
                    OperationCase.smooth(
                            "Affine.shift " + shown(dims), 1, List.of(x), in -> Affine.shift(in.getFirst(), 0.3)),
                    OperationCase.smooth(
                            "Affine.affine " + shown(dims),
                            1,
                            List.of(x),
                            in -> Affine.affine(in.getFirst(), 0.7, -0.2)),
                    OperationCase.smooth(
                            "Clamp.clamp " + shown(dims), 1, List.of(x), in -> Clamp.clamp(in.getFirst(), -0.4, 0.9)),
                    OperationCase.kinked(
                            "Clamp.clamp at its bounds " + shown(dims),
                            1,
                            List.of(tied),
                            in -> Clamp.clamp(in.getFirst(), -0.5, 1)),
                    OperationCase.smooth(
                            "Clamp.clamp from below only " + shown(dims),
                            1,
                            List.of(x),
                            in -> Clamp.clamp(in.getFirst(), 0.1, INFINITY)));
        });
    }

    private static Stream<OperationCase> choices() {
        return shapes(dims(), dims(0), dims(1), dims(9), dims(4, 17)).flatMap(dims -> {
            var random = Seed.of("choices", shown(dims));
            Sample mask = Sample.gaussian("mask", random, dims)
                    .map(v -> v > 0 ? v : 0)
                    .constant();
            Sample set = Sample.gaussian("set", random, dims);
            Sample clear = Sample.gaussian("clear", random, dims);
            Sample infinite = set.map(v -> v > 0 ? Double.NEGATIVE_INFINITY : v);
            Sample single = Sample.gaussian("single", random);
            return Stream.of(
                    OperationCase.smooth(
                            "Select.select " + shown(dims),
                            1,
                            List.of(mask, set, clear),
                            in -> Select.select(in.get(0), in.get(1), in.get(2))),
                    OperationCase.smooth(
                            "Select.select broadcasting " + shown(dims),
                            dims.length == 0 ? 1 : 68,
                            List.of(mask, set, single),
                            in -> Select.select(in.get(0), in.get(1), in.get(2))),
                    OperationCase.kinked(
                            "Select.select of infinities " + shown(dims),
                            1,
                            List.of(mask, infinite, clear),
                            in -> Select.select(in.get(0), in.get(1), in.get(2))));
        });
    }

    private static Stream<OperationCase> gates() {
        return shapes(dims(), dims(0), dims(1), dims(7), dims(8), dims(9), dims(3, 17), dims(2, 3, 5))
                .flatMap(dims -> {
                    var random = Seed.of("gates", shown(dims));
                    Sample gate = Sample.gaussian("gate", random, dims).map(v -> 2 * v);
                    Sample up = Sample.gaussian("up", random, dims).map(v -> 2 * v);
                    return Stream.of(
                            OperationCase.smooth(
                                    "SwiGlu.swiGlu " + shown(dims),
                                    1,
                                    List.of(gate, up),
                                    in -> SwiGlu.swiGlu(in.get(0), in.get(1))),
                            OperationCase.smooth(
                                    "SwiGlu.swiGlu with limit " + shown(dims),
                                    1,
                                    List.of(gate, up),
                                    in -> SwiGlu.swiGlu(in.get(0), in.get(1), 1.1)),
                            OperationCase.kinked(
                                    "SwiGlu.swiGlu at its limit " + shown(dims),
                                    1,
                                    List.of(gate.map(Math::rint), up.map(Math::rint)),
                                    in -> SwiGlu.swiGlu(in.get(0), in.get(1), 1)));
                });
    }
}
