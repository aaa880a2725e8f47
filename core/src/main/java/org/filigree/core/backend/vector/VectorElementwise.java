package org.filigree.core.backend.vector;

import java.util.Arrays;
import org.filigree.core.backend.Binary;
import org.filigree.core.backend.Broadcast;
import org.filigree.core.backend.Elementwise;
import org.filigree.core.backend.Unary;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;

/**
 * Functions of single elements, in chunks shared among threads.
 *
 * @param backend whose tensors they are
 */
record VectorElementwise(HostBackend backend) implements Elementwise {
    /** Elements a task: long enough to be worth waking a thread for, short enough to stay in the second-level cache. */
    static final int CHUNK = 1 << 15;
    /** Runs shorter than this are cheaper one element at a time than with a repeated operand. */
    private static final int SHORT_RUN = 16;
    /** Elements of a stretched operand that are laid out at a time. */
    private static final int REPEAT = 1024;

    @Override
    public Tensor unary(Unary function, Tensor x) {
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(x.shape());
        backend.workers()
                .parallelRanges(out.length, CHUNK, (from, to) -> UnaryLoops.apply(function, in, out, from, to));
        return HostFloats.tensor(backend, x.shape(), out);
    }

    @Override
    public Tensor unaryGradient(Unary function, Tensor x, Tensor y, Tensor dy) {
        float[] in = HostFloats.of(x);
        float[] result = HostFloats.of(y);
        float[] upstream = HostFloats.of(dy);
        float[] out = HostFloats.allocate(x.shape());
        backend.workers()
                .parallelRanges(
                        out.length,
                        CHUNK,
                        (from, to) -> UnaryGradientLoops.apply(function, in, result, upstream, out, from, to));
        return HostFloats.tensor(backend, x.shape(), out);
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
        int runs = plan.runs();
        if (runs == 1 || run > CHUNK) {
            int perRun = (run + CHUNK - 1) / CHUNK;
            backend.workers().parallelFor(runs * perRun, task -> {
                int r = task / perRun;
                int from = task % perRun * CHUNK;
                int l = plan.offset(plan.leftStrides(), r) + from * leftStep;
                int s = plan.offset(plan.rightStrides(), r) + from * rightStep;
                run(function, left, l, leftStep, right, s, rightStep, out, r * run + from, Math.min(CHUNK, run - from));
            });
        } else if (out.length > 0) {
            int chunk = Math.max(1, CHUNK / run);
            backend.workers().parallelRanges(runs, chunk, (from, to) -> {
                for (int r = from; r < to; r++) {
                    int l = plan.offset(plan.leftStrides(), r);
                    int s = plan.offset(plan.rightStrides(), r);
                    run(function, left, l, leftStep, right, s, rightStep, out, r * run, run);
                }
            });
        }
        return HostFloats.tensor(backend, plan.result(), out);
    }

    private static void run(
            Binary function,
            float[] left,
            int l,
            int leftStep,
            float[] right,
            int s,
            int rightStep,
            float[] out,
            int at,
            int length) {
        if (leftStep == 1 && rightStep == 1) {
            BinaryLoops.apply(function, left, l, right, s, out, at, length);
        } else if (length < SHORT_RUN || (leftStep == 0 && rightStep == 0)) {
            for (int i = 0; i < length; i++) {
                out[at + i] = BinaryLoops.apply(function, left[l + i * leftStep], right[s + i * rightStep]);
            }
        } else {
            float[] repeated = new float[Math.min(length, REPEAT)];
            Arrays.fill(repeated, leftStep == 0 ? left[l] : right[s]);
            for (int i = 0; i < length; i += REPEAT) {
                int part = Math.min(REPEAT, length - i);
                if (leftStep == 0) {
                    BinaryLoops.apply(function, repeated, 0, right, s + i, out, at + i, part);
                } else {
                    BinaryLoops.apply(function, left, l + i, repeated, 0, out, at + i, part);
                }
            }
        }
    }

    @Override
    public Tensor affine(Tensor x, double scale, double shift) {
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(x.shape());
        float factor = (float) scale;
        float summand = (float) shift;
        backend.workers().parallelRanges(out.length, CHUNK, (from, to) -> affine(in, factor, summand, out, from, to));
        return HostFloats.tensor(backend, x.shape(), out);
    }

    private static void affine(float[] x, float factor, float summand, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = x[i] * factor + summand;
        }
    }

    @Override
    public Tensor clamp(Tensor x, double low, double high) {
        float[] in = HostFloats.of(x);
        float[] out = HostFloats.allocate(x.shape());
        float least = (float) low;
        float most = (float) high;
        backend.workers().parallelRanges(out.length, CHUNK, (from, to) -> clamp(in, least, most, out, from, to));
        return HostFloats.tensor(backend, x.shape(), out);
    }

    private static void clamp(float[] x, float low, float high, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = Math.min(Math.max(x[i], low), high);
        }
    }

    @Override
    public Tensor select(Tensor mask, Tensor whenSet, Tensor whenClear) {
        float[] chosen = HostFloats.of(mask);
        float[] set = HostFloats.of(whenSet);
        float[] clear = HostFloats.of(whenClear);
        float[] out = HostFloats.allocate(mask.shape());
        backend.workers().parallelRanges(out.length, CHUNK, (from, to) -> select(chosen, set, clear, out, from, to));
        return HostFloats.tensor(backend, mask.shape(), out);
    }

    private static void select(float[] mask, float[] set, float[] clear, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = mask[i] != 0f ? set[i] : clear[i];
        }
    }
}
