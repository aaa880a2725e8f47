package org.filigree.core.backend.vector;

import static org.filigree.core.backend.vector.VectorMath.F;
import static org.filigree.core.backend.vector.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.kernel.SwiGluKernel;
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
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            value(FloatVector.fromArray(F, g, i), FloatVector.fromArray(F, u, i), limit)
                    .intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = F.indexInRange(i, to);
            value(FloatVector.fromArray(F, g, i, rest), FloatVector.fromArray(F, u, i, rest), limit)
                    .intoArray(y, i, rest);
        }
    }

    private static FloatVector value(FloatVector gate, FloatVector up, float limit) {
        FloatVector g = gate.min(limit);
        FloatVector u = up.min(limit).max(-limit);
        return g.mul(VectorMath.sigmoid(g)).mul(u);
    }

    @Override
    public Gradient gradient(Tensor gate, Tensor up, double limit, Tensor dy) {
        float[] g = HostFloats.of(gate);
        float[] u = HostFloats.of(up);
        float[] upstream = HostFloats.of(dy);
        float[] dg = HostFloats.allocate(gate.shape());
        float[] du = HostFloats.allocate(gate.shape());
        float bound = (float) limit;
        backend.workers().parallelRanges(dg.length, VectorElementwise.CHUNK, (from, to) -> {
            int i = from;
            for (; i + LANES <= to; i += LANES) {
                backward(g, u, bound, upstream, dg, du, i);
            }
            if (i < to) {
                backward(g, u, bound, upstream, dg, du, i, F.indexInRange(i, to));
            }
        });
        return new Gradient(HostFloats.tensor(backend, gate.shape(), dg), HostFloats.tensor(backend, gate.shape(), du));
    }

    private static void backward(float[] g, float[] u, float limit, float[] dy, float[] dg, float[] du, int i) {
        FloatVector gate = FloatVector.fromArray(F, g, i);
        FloatVector up = FloatVector.fromArray(F, u, i);
        FloatVector upstream = FloatVector.fromArray(F, dy, i);
        FloatVector clamped = gate.min(limit);
        FloatVector s = VectorMath.sigmoid(clamped);
        FloatVector silu = clamped.mul(s);
        FloatVector slope = silu.sub(silu.mul(s)).add(s);
        FloatVector value = up.min(limit).max(-limit);
        upstream.mul(value)
                .mul(slope)
                .blend(0f, gate.compare(VectorOperators.GT, limit))
                .intoArray(dg, i);
        upstream.mul(silu)
                .blend(0f, up.abs().compare(VectorOperators.GT, limit))
                .intoArray(du, i);
    }

    private static void backward(
            float[] g, float[] u, float limit, float[] dy, float[] dg, float[] du, int i, VectorMask<Float> rest) {
        FloatVector gate = FloatVector.fromArray(F, g, i, rest);
        FloatVector up = FloatVector.fromArray(F, u, i, rest);
        FloatVector upstream = FloatVector.fromArray(F, dy, i, rest);
        FloatVector clamped = gate.min(limit);
        FloatVector s = VectorMath.sigmoid(clamped);
        FloatVector silu = clamped.mul(s);
        FloatVector slope = silu.sub(silu.mul(s)).add(s);
        FloatVector value = up.min(limit).max(-limit);
        upstream.mul(value)
                .mul(slope)
                .blend(0f, gate.compare(VectorOperators.GT, limit))
                .intoArray(dg, i, rest);
        upstream.mul(silu)
                .blend(0f, up.abs().compare(VectorOperators.GT, limit))
                .intoArray(du, i, rest);
    }
}
