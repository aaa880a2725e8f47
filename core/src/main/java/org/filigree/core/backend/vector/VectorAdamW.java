package org.filigree.core.backend.vector;

import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.kernel.AdamWKernel;
import org.filigree.core.tensor.Tensor;

/**
 * One AdamW update in place, a single pass over weight, gradient and both moments.
 *
 * @param backend whose tensors they are
 */
record VectorAdamW(HostBackend backend) implements AdamWKernel {
    @Override
    public void update(Step step, Tensor weight, Tensor gradient, Tensor first, Tensor second) {
        float[] w = HostFloats.of(weight);
        float[] g = HostFloats.of(gradient);
        float[] m = HostFloats.of(first);
        float[] v = HostFloats.of(second);
        backend.workers()
                .parallelRanges(w.length, VectorElementwise.CHUNK, (from, to) -> update(step, w, g, m, v, from, to));
    }

    private static void update(Step step, float[] w, float[] g, float[] m, float[] v, int from, int to) {
        float beta1 = (float) step.beta1();
        float beta2 = (float) step.beta2();
        float fresh1 = (float) (1 - step.beta1());
        float fresh2 = (float) (1 - step.beta2());
        float keep = (float) (1 - step.rate() * step.decay());
        float size = (float) (step.rate() / step.correction1());
        float scale = (float) (1 / step.correction2());
        float epsilon = (float) step.epsilon();
        for (int i = from; i < to; i++) {
            float mean = m[i] * beta1 + g[i] * fresh1;
            float square = v[i] * beta2 + g[i] * g[i] * fresh2;
            m[i] = mean;
            v[i] = square;
            w[i] = w[i] * keep - mean * size / ((float) Math.sqrt(square * scale) + epsilon);
        }
    }
}
