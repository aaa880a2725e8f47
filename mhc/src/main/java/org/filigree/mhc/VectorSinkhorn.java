package org.filigree.mhc;

import static org.filigree.core.backend.simd.VectorMath.LANES;

import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;

/**
 * {@link SinkhornLanes}, matrices shared among threads in chunks that do not depend on their number.
 *
 * @param backend whose arrays it reads and makes
 */
record VectorSinkhorn(HostBackend backend) implements SinkhornKernel {
    private static final int LARGEST = 8;

    /** Forward about 20 to 50 µs at n = 4 to 8, so that handing a chunk to a thread costs little beside it. */
    private static final int FLOATS_PER_CHUNK = 8192;

    @Override
    public boolean supports(int n) {
        return n >= 1 && n <= LARGEST;
    }

    @Override
    public Tensor sinkhorn(Tensor logits, int iterations, double eps) {
        var lanes = new SinkhornLanes(logits.dim(-1), iterations, (float) eps);
        int area = lanes.n() * lanes.n();
        float[] in = HostFloats.of(logits);
        float[] out = HostFloats.allocate(logits.shape());
        ScratchBuffers buffers = backend.workers().scratch();
        backend.workers().parallelRanges(in.length / area, chunk(area), (from, to) -> {
            float[] scratch = buffers.borrow(lanes.forwardScratch());
            lanes.forward(in, from * area, to - from, out, from * area, scratch);
            buffers.giveBack(scratch);
        });
        return HostFloats.tensor(backend, logits.shape(), out);
    }

    @Override
    public Tensor gradient(Tensor logits, int iterations, double eps, Tensor dy) {
        var lanes = new SinkhornLanes(logits.dim(-1), iterations, (float) eps);
        int area = lanes.n() * lanes.n();
        float[] in = HostFloats.of(logits);
        float[] upstream = HostFloats.of(dy);
        float[] out = HostFloats.allocate(logits.shape());
        ScratchBuffers buffers = backend.workers().scratch();
        backend.workers().parallelRanges(in.length / area, chunk(area), (from, to) -> {
            float[] scratch = buffers.borrow(lanes.gradientScratch());
            lanes.gradient(in, from * area, to - from, upstream, from * area, out, from * area, scratch);
            buffers.giveBack(scratch);
        });
        return HostFloats.tensor(backend, logits.shape(), out);
    }

    private static int chunk(int area) {
        return Math.max(1, FLOATS_PER_CHUNK / area / LANES) * LANES;
    }
}
