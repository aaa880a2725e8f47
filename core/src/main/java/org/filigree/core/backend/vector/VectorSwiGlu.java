package org.filigree.core.backend.vector;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.kernel.SwiGluKernel;
import org.filigree.core.backend.simd.Exponential;
import org.filigree.core.backend.simd.Sigmoid;
import org.filigree.core.tensor.Tensor;

/**
 * The gated unit and its gradients, one pass over the operands each.
 *
 * @param backend whose tensors they are
 */
record VectorSwiGlu(HostBackend backend) implements SwiGluKernel {
    @Override
    public Tensor swiGlu(Tensor gate, Tensor up, double limit) {
        float[] g = HostFloats.of(gate);
        float[] u = HostFloats.of(up);
        float[] out = HostFloats.allocate(gate.shape());
        float bound = (float) limit;
        backend.workers()
                .parallelRanges(out.length, VectorElementwise.CHUNK, (from, to) -> forward(g, u, bound, out, from, to));
        return HostFloats.tensor(backend, gate.shape(), out);
    }

    private static void forward(float[] g, float[] u, float limit, float[] y, int from, int to) {
        for (int at = from; at < to; at += Sigmoid.BLOCK) {
            int end = Math.min(to, at + Sigmoid.BLOCK);
            exponentials(g, limit, y, at, end);
            forwardFromExponentials(g, u, limit, y, at, end);
        }
    }

    /** y = e^−|min(g, L)|. */
    private static void exponentials(float[] g, float limit, float[] y, int from, int to) {
        if (limit == Float.POSITIVE_INFINITY) {
            Exponential.ofMinusMagnitude(g, from, y, from, to - from);
        } else {
            clampAbove(g, limit, y, from, to);
            Exponential.ofMinusMagnitude(y, from, y, from, to - from);
        }
    }

    private static void clampAbove(float[] g, float limit, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = Math.min(g[i], limit);
        }
    }

    // Clamping is by comparison: the minimum of the Vector API orders zeros and NaN at three times the cost.
    private static void forwardFromExponentials(float[] g, float[] u, float limit, float[] y, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector gate = FloatVector.fromArray(F, g, i);
            FloatVector up = FloatVector.fromArray(F, u, i);
            FloatVector e = FloatVector.fromArray(F, y, i);
            FloatVector clamped = gate.blend(limit, gate.compare(VectorOperators.GT, limit));
            FloatVector value = up.blend(limit, up.compare(VectorOperators.GT, limit))
                    .blend(-limit, up.compare(VectorOperators.LT, -limit));
            e.blend(1f, gate.compare(VectorOperators.GE, 0f))
                    .div(e.add(1f))
                    .mul(clamped)
                    .mul(value)
                    .intoArray(y, i);
        }
        for (; i < to; i++) {
            float sigmoid = (g[i] >= 0f ? 1f : y[i]) / (y[i] + 1f);
            y[i] = sigmoid * Math.min(g[i], limit) * Math.max(Math.min(u[i], limit), -limit);
        }
    }

    @Override
    public Gradient gradient(Tensor gate, Tensor up, double limit, Tensor dy) {
        float[] g = HostFloats.of(gate);
        float[] u = HostFloats.of(up);
        float[] upstream = HostFloats.of(dy);
        float[] dg = HostFloats.allocate(gate.shape());
        float[] du = HostFloats.allocate(gate.shape());
        float bound = (float) limit;
        backend.workers()
                .parallelRanges(
                        dg.length,
                        VectorElementwise.CHUNK,
                        (from, to) -> backward(g, u, bound, upstream, dg, du, from, to));
        return new Gradient(HostFloats.tensor(backend, gate.shape(), dg), HostFloats.tensor(backend, gate.shape(), du));
    }

    private static void backward(
            float[] g, float[] u, float limit, float[] dy, float[] dg, float[] du, int from, int to) {
        for (int at = from; at < to; at += Sigmoid.BLOCK) {
            int end = Math.min(to, at + Sigmoid.BLOCK);
            exponentials(g, limit, dg, at, end);
            backwardFromExponentials(g, u, limit, dy, dg, du, at, end);
        }
    }

    /** dg = dy·u·σ(g)·(1 + g·(1 − σ(g))) and du = dy·g·σ(g), both 0 where their operand was clamped. */
    private static void backwardFromExponentials(
            float[] g, float[] u, float limit, float[] dy, float[] dg, float[] du, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector gate = FloatVector.fromArray(F, g, i);
            FloatVector up = FloatVector.fromArray(F, u, i);
            FloatVector upstream = FloatVector.fromArray(F, dy, i);
            FloatVector e = FloatVector.fromArray(F, dg, i);
            VectorMask<Float> gateClamped = gate.compare(VectorOperators.GT, limit);
            FloatVector s = e.blend(1f, gate.compare(VectorOperators.GE, 0f)).div(e.add(1f));
            FloatVector silu = gate.blend(limit, gateClamped).mul(s);
            upstream.mul(silu)
                    .blend(0f, up.abs().compare(VectorOperators.GT, limit))
                    .intoArray(du, i);
            FloatVector value = up.blend(limit, up.compare(VectorOperators.GT, limit))
                    .blend(-limit, up.compare(VectorOperators.LT, -limit));
            silu.sub(silu.mul(s))
                    .add(s)
                    .mul(upstream.mul(value))
                    .blend(0f, gateClamped)
                    .intoArray(dg, i);
        }
        for (; i < to; i++) {
            float s = (g[i] >= 0f ? 1f : dg[i]) / (dg[i] + 1f);
            float silu = Math.min(g[i], limit) * s;
            float value = Math.max(Math.min(u[i], limit), -limit);
            du[i] = Math.abs(u[i]) > limit ? 0f : dy[i] * silu;
            dg[i] = g[i] > limit ? 0f : (silu - silu * s + s) * (dy[i] * value);
        }
    }
}
