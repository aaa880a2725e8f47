package org.filigree.core.testkit;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The cases that every backend must pass; every public function in {@code org.filigree.core.op} has at least one. */
public final class OperationCases {
    private OperationCases() {}

    /** {@return all cases} */
    public static List<OperationCase> all() {
        List<OperationCase> all = Stream.of(
                        PointwiseCases.all(),
                        ArithmeticCases.all(),
                        MatrixCases.all(),
                        ReductionCases.all(),
                        NormalisationCases.all(),
                        LayoutCases.all(),
                        IndexingCases.all(),
                        SequenceCases.all())
                .flatMap(cases -> cases)
                .toList();
        Set<String> names = new HashSet<>();
        all.forEach(each -> {
            if (!names.add(each.name())) {
                throw new AssertionError("two cases are called " + each.name());
            }
        });
        return all;
    }

    /** Dimensions for the name of a case. */
    static String shown(int... dims) {
        return Arrays.stream(dims).mapToObj(String::valueOf).collect(Collectors.joining("×", "[", "]"));
    }

    /** Shapes in a form that tables can hold. */
    static Stream<int[]> shapes(int[]... shapes) {
        return Arrays.stream(shapes);
    }

    /** Dimensions of a shape. */
    static int[] dims(int... dims) {
        return dims;
    }

    /** Repeats a pattern to a length. */
    static double[] repeated(int length, double... pattern) {
        return IntStream.range(0, length)
                .mapToDouble(i -> pattern[i % pattern.length])
                .toArray();
    }
}
