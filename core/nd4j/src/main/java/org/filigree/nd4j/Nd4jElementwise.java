package org.filigree.nd4j;

import java.util.stream.IntStream;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Binary;
import org.filigree.core.backend.Broadcast;
import org.filigree.core.backend.Elementwise;
import org.filigree.core.backend.Unary;
import org.filigree.core.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Log1p;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Functions of single elements by ND4J's transforms. Several of them lose NaN; it is put back where the library promises it. */
record Nd4jElementwise(Backend backend) implements Elementwise {
    /** Above it log(1+eˣ) is x in float32; the library defines softplus so on every backend. */
    private static final double SOFTPLUS_LINEAR = 20;

    @Override
    public Tensor unary(Unary function, Tensor x) {
        return Reals.isEmpty(x.shape()) ? x : Reals.tensor(backend, x.shape(), value(function, Reals.flat(x)));
    }

    private static INDArray value(Unary function, INDArray x) {
        return switch (function) {
            case NEGATE -> x.neg();
            case EXP -> Transforms.exp(x, true);
            case LOG -> Transforms.log(x, true);
            case SQRT -> Transforms.sqrt(x, true);
            case RSQRT -> Transforms.sqrt(x, true).rdivi(1);
            case RECIPROCAL -> x.rdiv(1);
            case SQUARE -> x.mul(x);
            case ABS -> Transforms.abs(x, true);
            case SIGN -> Transforms.sign(x, true).addi(missing(isNaN(x)));
            case SIGMOID -> Transforms.sigmoid(x, true);
            case TANH -> Transforms.tanh(x, true);
            case SILU -> Transforms.sigmoid(x, true).muli(x);
            case SOFTPLUS -> {
                INDArray curved = Transforms.exp(clipped(x, -Float.MAX_VALUE, SOFTPLUS_LINEAR), false);
                yield Nd4j.exec(new Log1p(curved, curved)).addi(Transforms.relu(x.sub(SOFTPLUS_LINEAR), false));
            }
            case RELU -> Transforms.relu(x, true);
        };
    }

    @Override
    public Tensor unaryGradient(Unary function, Tensor x, Tensor y, Tensor dy) {
        return Reals.isEmpty(x.shape())
                ? x
                : Reals.tensor(
                        backend,
                        x.shape(),
                        slope(function, Reals.flat(x), Reals.flat(y)).muli(Reals.flat(dy)));
    }

    /** f′(x), through y = f(x) where that is shorter; 0 at a kink. */
    private static INDArray slope(Unary function, INDArray x, INDArray y) {
        return switch (function) {
            case NEGATE -> x.ulike().assign(-1);
            case EXP -> y.dup('c');
            case LOG -> x.rdiv(1);
            case SQRT -> y.rdiv(0.5);
            case RSQRT -> y.div(x).muli(-0.5);
            case RECIPROCAL -> y.mul(y).negi();
            case SQUARE -> x.mul(2);
            case ABS -> Transforms.sign(x, true);
            case SIGN -> x.ulike().assign(0);
            case SIGMOID -> y.rsub(1).muli(y);
            case TANH -> y.mul(y).rsubi(1);
            case SILU -> {
                INDArray sigmoid = Transforms.sigmoid(x, true);
                yield sigmoid.rsub(1).muli(y).addi(sigmoid);
            }
            case SOFTPLUS -> Transforms.sigmoid(x, true);
            case RELU -> x.gt(0).castTo(DataType.FLOAT);
        };
    }

    @Override
    public Tensor binary(Binary function, Tensor a, Tensor b) {
        Broadcast plan = Broadcast.of("binary", a.shape(), b.shape());
        if (Reals.isEmpty(plan.result())) {
            return Reals.empty(backend, plan.result());
        }
        INDArray left = stretched(a, plan, plan.leftStrides());
        INDArray right = stretched(b, plan, plan.rightStrides());
        return Reals.tensor(backend, plan.result(), value(function, left, right));
    }

    /** An operand under the merged axes of the plan, repeated where it stretches. */
    private static INDArray stretched(Tensor x, Broadcast plan, int[] strides) {
        long[] full = IntStream.of(plan.dims()).asLongStream().toArray();
        long[] own = full.clone();
        boolean stretches = false;
        for (int i = 0; i < own.length; i++) {
            if (strides[i] == 0 && own[i] > 1) {
                own[i] = 1;
                stretches = true;
            }
        }
        INDArray array = Reals.of(x, own);
        return stretches ? array.broadcast(full) : array;
    }

    private static INDArray value(Binary function, INDArray a, INDArray b) {
        return switch (function) {
            case ADD -> a.add(b);
            case SUBTRACT -> a.sub(b);
            case MULTIPLY -> a.mul(b);
            case DIVIDE -> a.div(b);
            case MAXIMUM -> custom("maximum", a, b).addi(missing(isNaN(a).addi(isNaN(b))));
            case MINIMUM -> custom("minimum", a, b).addi(missing(isNaN(a).addi(isNaN(b))));
            case GREATER -> a.gt(b).castTo(DataType.FLOAT);
            case COPY_SIGN -> {
                // The reciprocal tells the two zeros apart; the sign of one that is infinite does not count.
                INDArray ofZero = Transforms.sign(b.rdiv(1), false).muli(b.eq(0).castTo(DataType.FLOAT));
                yield Transforms.abs(a, true).muli(Transforms.sign(b, true).addi(ofZero));
            }
        };
    }

    private static INDArray custom(String name, INDArray... inputs) {
        return Nd4j.exec(DynamicCustomOp.builder(name)
                .addInputs(inputs)
                .addOutputs(inputs[inputs.length - 1].ulike())
                .build())[0];
    }

    /** 1 where x is NaN, else 0. */
    static INDArray isNaN(INDArray x) {
        return x.neq(x).castTo(DataType.FLOAT);
    }

    /** What turns to NaN, added, where the count is not 0, and leaves everything else: √(−count). */
    static INDArray missing(INDArray count) {
        return Transforms.sqrt(count.negi(), false);
    }

    @Override
    public Tensor affine(Tensor x, double scale, double shift) {
        if (Reals.isEmpty(x.shape())) {
            return x;
        }
        INDArray scaled = Reals.flat(x).mul(scale);
        return Reals.tensor(backend, x.shape(), shift == 0 ? scaled : scaled.addi(shift));
    }

    @Override
    public Tensor clamp(Tensor x, double low, double high) {
        return Reals.isEmpty(x.shape()) ? x : Reals.tensor(backend, x.shape(), clipped(Reals.flat(x), low, high));
    }

    private static INDArray clipped(INDArray x, double low, double high) {
        return Nd4j.exec(DynamicCustomOp.builder("clipbyvalue")
                .addInputs(x)
                .addOutputs(x.ulike())
                .addFloatingPointArguments(low, high)
                .build())[0];
    }

    @Override
    public Tensor select(Tensor mask, Tensor whenSet, Tensor whenClear) {
        if (Reals.isEmpty(mask.shape())) {
            return mask;
        }
        INDArray chosen = Reals.flat(mask).neq(0);
        return Reals.tensor(
                backend, mask.shape(), custom("select", chosen, Reals.flat(whenSet), Reals.flat(whenClear)));
    }
}
