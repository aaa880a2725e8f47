package org.filigree.core.backend.scalar;

import org.filigree.core.backend.Binary;
import org.filigree.core.backend.Broadcast;
import org.filigree.core.backend.Elementwise;
import org.filigree.core.backend.Unary;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;

/**
 * Functions of single elements by {@link Math}, each computed in double and rounded once.
 *
 * @param backend whose tensors they are
 */
public record ScalarElementwise(HostBackend backend) implements Elementwise {
    @Override
    public Tensor unary(Unary function, Tensor x) {
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(x.shape());
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) value(function, in[i]);
        }
        return HostFloats.tensor(backend, x.shape(), out);
    }

    @Override
    public Tensor unaryGradient(Unary function, Tensor x, Tensor y, Tensor dy) {
        float[] in = HostFloats.of(x);
        float[] upstream = HostFloats.of(dy);
        float[] out = HostFloats.allocate(x.shape());
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) (upstream[i] * slope(function, in[i]));
        }
        return HostFloats.tensor(backend, x.shape(), out);
    }

    /**
     * f(x).
     *
     * @param function which f
     * @param x where
     * @return the value
     */
    public static double value(Unary function, double x) {
        return switch (function) {
            case NEGATE -> -x;
            case EXP -> Math.exp(x);
            case LOG -> Math.log(x);
            case SQRT -> Math.sqrt(x);
            case RSQRT -> 1 / Math.sqrt(x);
            case RECIPROCAL -> 1 / x;
            case SQUARE -> x * x;
            case ABS -> Math.abs(x);
            case SIGN -> Math.signum(x);
            case SIGMOID -> sigmoid(x);
            case TANH -> Math.tanh(x);
            case SILU -> x * sigmoid(x);
            case SOFTPLUS -> x > 20 ? x : Math.log1p(Math.exp(x));
            case RELU -> Math.max(x, 0);
        };
    }

    /**
     * f′(x).
     *
     * @param function which f
     * @param x where
     * @return the derivative, 0 at a kink
     */
    public static double slope(Unary function, double x) {
        return switch (function) {
            case NEGATE -> -1;
            case EXP -> Math.exp(x);
            case LOG -> 1 / x;
            case SQRT -> 0.5 / Math.sqrt(x);
            case RSQRT -> -0.5 / (x * Math.sqrt(x));
            case RECIPROCAL -> -1 / (x * x);
            case SQUARE -> 2 * x;
            case ABS -> Math.signum(x);
            case SIGN -> 0;
            case SIGMOID -> sigmoid(x) * (1 - sigmoid(x));
            case TANH -> 1 - Math.tanh(x) * Math.tanh(x);
            case SILU -> sigmoid(x) * (1 + x * (1 - sigmoid(x)));
            case SOFTPLUS -> x > 20 ? 1 : sigmoid(x);
            case RELU -> x > 0 ? 1 : 0;
        };
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    @Override
    public Tensor binary(Binary function, Tensor a, Tensor b) {
        Broadcast plan = Broadcast.of("binary", a.shape(), b.shape());
        float[] left = HostFloats.of(a);
        float[] right = HostFloats.of(b);
        float[] out = HostFloats.allocate(plan.result());
        int last = plan.dims().length - 1;
        int leftStep = plan.leftStrides()[last];
        int rightStep = plan.rightStrides()[last];
        int run = plan.run();
        for (int r = 0; r < plan.runs(); r++) {
            int l = plan.offset(plan.leftStrides(), r);
            int s = plan.offset(plan.rightStrides(), r);
            for (int i = 0; i < run && out.length > 0; i++) {
                out[r * run + i] = value(function, left[l + i * leftStep], right[s + i * rightStep]);
            }
        }
        return HostFloats.tensor(backend, plan.result(), out);
    }

    private static float value(Binary function, float a, float b) {
        return switch (function) {
            case ADD -> a + b;
            case SUBTRACT -> a - b;
            case MULTIPLY -> a * b;
            case DIVIDE -> a / b;
            case MAXIMUM -> Math.max(a, b);
            case MINIMUM -> Math.min(a, b);
            case GREATER -> a > b ? 1 : 0;
            case COPY_SIGN -> Math.copySign(a, b);
        };
    }

    @Override
    public Tensor affine(Tensor x, double scale, double shift) {
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(x.shape());
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) (in[i] * scale + shift);
        }
        return HostFloats.tensor(backend, x.shape(), out);
    }

    @Override
    public Tensor clamp(Tensor x, double low, double high) {
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(x.shape());
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) Math.min(Math.max(in[i], low), high);
        }
        return HostFloats.tensor(backend, x.shape(), out);
    }

    @Override
    public Tensor select(Tensor mask, Tensor whenSet, Tensor whenClear) {
        float[] chosen = HostFloats.of(mask);
        float[] set = HostFloats.of(whenSet);
        float[] clear = HostFloats.of(whenClear);
        float[] out = HostFloats.allocate(mask.shape());
        for (int i = 0; i < out.length; i++) {
            out[i] = chosen[i] != 0 ? set[i] : clear[i];
        }
        return HostFloats.tensor(backend, mask.shape(), out);
    }
}
