package org.filigree.ojalgo;

import static org.ojalgo.function.constant.PrimitiveMath.ABS;
import static org.ojalgo.function.constant.PrimitiveMath.ADD;
import static org.ojalgo.function.constant.PrimitiveMath.DIVIDE;
import static org.ojalgo.function.constant.PrimitiveMath.EXP;
import static org.ojalgo.function.constant.PrimitiveMath.INVERT;
import static org.ojalgo.function.constant.PrimitiveMath.LOG;
import static org.ojalgo.function.constant.PrimitiveMath.LOG1P;
import static org.ojalgo.function.constant.PrimitiveMath.LOGISTIC;
import static org.ojalgo.function.constant.PrimitiveMath.MAX;
import static org.ojalgo.function.constant.PrimitiveMath.MIN;
import static org.ojalgo.function.constant.PrimitiveMath.MULTIPLY;
import static org.ojalgo.function.constant.PrimitiveMath.NEGATE;
import static org.ojalgo.function.constant.PrimitiveMath.SIGNUM;
import static org.ojalgo.function.constant.PrimitiveMath.SQRT;
import static org.ojalgo.function.constant.PrimitiveMath.SUBTRACT;
import static org.ojalgo.function.constant.PrimitiveMath.TANH;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Binary;
import org.filigree.core.backend.Broadcast;
import org.filigree.core.backend.Elementwise;
import org.filigree.core.backend.Unary;
import org.filigree.core.tensor.Tensor;
import org.ojalgo.function.PrimitiveFunction;

/** Functions of single elements: ojAlgo's where it has them, written out where it does not. */
record OjalgoElementwise(Backend backend) implements Elementwise {
    /** Above it log(1+eˣ) is x in float32; the library defines softplus so on every backend. */
    private static final double SOFTPLUS_LINEAR = 20;

    @Override
    public Tensor unary(Unary function, Tensor x) {
        PrimitiveFunction.Unary f = function(function);
        double[] out = Doubles.of(x).clone();
        for (int i = 0; i < out.length; i++) {
            out[i] = f.invoke(out[i]);
        }
        return Doubles.tensor(backend, x.shape(), out);
    }

    private static PrimitiveFunction.Unary function(Unary function) {
        return switch (function) {
            case NEGATE -> NEGATE;
            case EXP -> EXP;
            case LOG -> LOG;
            case SQRT -> SQRT;
            case RSQRT -> x -> 1 / Math.sqrt(x);
            case RECIPROCAL -> INVERT;
            case SQUARE -> x -> x * x;
            case ABS -> ABS;
            case SIGN -> SIGNUM;
            case SIGMOID -> LOGISTIC;
            case TANH -> TANH;
            case SILU -> x -> x * LOGISTIC.invoke(x);
            case SOFTPLUS -> x -> x > SOFTPLUS_LINEAR ? x : LOG1P.invoke(EXP.invoke(x));
            case RELU -> x -> MAX.invoke(x, 0);
        };
    }

    @Override
    public Tensor unaryGradient(Unary function, Tensor x, Tensor y, Tensor dy) {
        double[] at = Doubles.of(x);
        double[] value = Doubles.of(y);
        double[] out = Doubles.of(dy).clone();
        for (int i = 0; i < out.length; i++) {
            out[i] *= slope(function, at[i], value[i]);
        }
        return Doubles.tensor(backend, x.shape(), out);
    }

    /** f′(x), through y = f(x) where that is shorter; 0 at a kink. */
    private static double slope(Unary function, double x, double y) {
        return switch (function) {
            case NEGATE -> -1;
            case EXP -> y;
            case LOG -> 1 / x;
            case SQRT -> 0.5 / y;
            case RSQRT -> -0.5 * y / x;
            case RECIPROCAL -> -y * y;
            case SQUARE -> 2 * x;
            case ABS -> SIGNUM.invoke(x);
            case SIGN -> 0;
            case SIGMOID -> y * (1 - y);
            case TANH -> 1 - y * y;
            case SILU -> {
                double sigmoid = LOGISTIC.invoke(x);
                yield sigmoid + y * (1 - sigmoid);
            }
            case SOFTPLUS -> x > SOFTPLUS_LINEAR ? 1 : LOGISTIC.invoke(x);
            case RELU -> x > 0 ? 1 : 0;
        };
    }

    @Override
    public Tensor binary(Binary function, Tensor a, Tensor b) {
        PrimitiveFunction.Binary f = function(function);
        Broadcast plan = Broadcast.of("binary", a.shape(), b.shape());
        double[] left = Doubles.of(a);
        double[] right = Doubles.of(b);
        double[] out = Doubles.allocate(plan.result());
        int last = plan.dims().length - 1;
        int leftStep = plan.leftStrides()[last];
        int rightStep = plan.rightStrides()[last];
        int run = plan.run();
        for (int to = 0, r = 0; to < out.length; to += run, r++) {
            int l = plan.offset(plan.leftStrides(), r);
            int s = plan.offset(plan.rightStrides(), r);
            for (int i = 0; i < run; i++) {
                out[to + i] = f.invoke(left[l + i * leftStep], right[s + i * rightStep]);
            }
        }
        return Doubles.tensor(backend, plan.result(), out);
    }

    private static PrimitiveFunction.Binary function(Binary function) {
        return switch (function) {
            case ADD -> ADD;
            case SUBTRACT -> SUBTRACT;
            case MULTIPLY -> MULTIPLY;
            case DIVIDE -> DIVIDE;
            case MAXIMUM -> MAX;
            case MINIMUM -> MIN;
            case GREATER -> (a, b) -> a > b ? 1 : 0;
            case COPY_SIGN -> Math::copySign;
        };
    }

    @Override
    public Tensor affine(Tensor x, double scale, double shift) {
        double[] out = Doubles.of(x).clone();
        for (int i = 0; i < out.length; i++) {
            out[i] = out[i] * scale + shift;
        }
        return Doubles.tensor(backend, x.shape(), out);
    }

    @Override
    public Tensor clamp(Tensor x, double low, double high) {
        double[] out = Doubles.of(x).clone();
        for (int i = 0; i < out.length; i++) {
            out[i] = MIN.invoke(MAX.invoke(out[i], low), high);
        }
        return Doubles.tensor(backend, x.shape(), out);
    }

    @Override
    public Tensor select(Tensor mask, Tensor whenSet, Tensor whenClear) {
        double[] chosen = Doubles.of(mask);
        double[] set = Doubles.of(whenSet);
        double[] out = Doubles.of(whenClear).clone();
        for (int i = 0; i < out.length; i++) {
            if (chosen[i] != 0) {
                out[i] = set[i];
            }
        }
        return Doubles.tensor(backend, mask.shape(), out);
    }
}
