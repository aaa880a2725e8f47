package org.filigree.core.testkit;

import static org.filigree.core.testkit.OperationCases.dims;
import static org.filigree.core.testkit.OperationCases.shown;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.filigree.core.backend.kernel.RotaryKernel.Pairing;
import org.filigree.core.op.CausalConvolution;
import org.filigree.core.op.Rotate;

/** Operations that know of tokens: convolution and rotation. */
final class SequenceCases {
    private SequenceCases() {}

    static Stream<OperationCase> all() {
        return Stream.concat(convolutions(), rotations());
    }

    private static Sample operand(String name, int... dims) {
        return Sample.gaussian(name, Seed.of("SequenceCases", shown(dims)), dims);
    }

    private static Stream<OperationCase> convolutions() {
        record Convolution(int batch, int tokens, int channels, int taps, int dilation) {}
        return Stream.of(
                        new Convolution(1, 1, 1, 1, 1),
                        new Convolution(2, 7, 3, 4, 1),
                        new Convolution(1, 9, 8, 3, 3),
                        new Convolution(2, 5, 9, 4, 2),
                        new Convolution(1, 2, 3, 4, 3),
                        new Convolution(1, 0, 3, 2, 1),
                        new Convolution(0, 4, 3, 2, 1),
                        new Convolution(1, 17, 17, 2, 16))
                .map(c -> OperationCase.smooth(
                        "CausalConvolution.causalConvolution " + shown(c.batch, c.tokens, c.channels) + " taps "
                                + c.taps + " dilation " + c.dilation,
                        Math.max(c.taps, c.batch * c.tokens),
                        List.of(operand("x", c.batch, c.tokens, c.channels), operand("weight", c.channels, c.taps)),
                        in -> CausalConvolution.causalConvolution(in.get(0), in.get(1), c.dilation)));
    }

    private static Stream<OperationCase> rotations() {
        return Arrays.stream(Pairing.values())
                .flatMap(pairing -> Stream.of(
                                dims(1, 1, 2),
                                dims(3, 2, 8),
                                dims(2, 3, 1, 6),
                                dims(2, 5, 2, 34),
                                dims(1, 2, 2, 2, 4),
                                dims(0, 2, 4),
                                dims(2, 0, 4))
                        .map(dims -> {
                            int tokens = dims[dims.length - 3];
                            int half = dims[dims.length - 1] / 2;
                            Sample angles = operand("angles", tokens, half);
                            Sample cos = new Sample(
                                    "cos",
                                    angles.shape(),
                                    angles.dtype(),
                                    angles.map(Math::cos).values(),
                                    Sample.Role.CONSTANT);
                            Sample sin = new Sample(
                                    "sin",
                                    angles.shape(),
                                    angles.dtype(),
                                    angles.map(Math::sin).values(),
                                    Sample.Role.CONSTANT);
                            return OperationCase.smooth(
                                    "Rotate.rotate " + pairing + " " + shown(dims),
                                    2,
                                    List.of(operand("x", dims), cos, sin),
                                    in -> Rotate.rotate(pairing, in.get(0), in.get(1), in.get(2)));
                        }));
    }
}
