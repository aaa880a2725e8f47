package org.filigree.attention;

import static org.filigree.attention.TileProduct.STRIP;

import java.util.Arrays;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Tiles of attention on arrays. Tasks are heads and parts of their queries, cut by shape alone; what parts add to the gradients of keys
 * and values is summed in their order.
 *
 * @param backend whose arrays it reads and makes
 */
record HostScaledDotProduct(HostBackend backend) implements ScaledDotProductKernel {
    private static final int ROWS_PER_CHUNK = 256;

    @Override
    public Attended forward(DenseAttentionInput input) {
        TileGrid grid = new TileGrid(input);
        Tensor queries = input.queries();
        var outputShape = queries.shape().withDim(-1, grid.valueWidth);
        float[] output = HostFloats.allocate(outputShape);
        float[] logSumExp = HostFloats.allocate(queries.shape().leading(-1));
        TiledForward forward = new TiledForward(
                grid,
                HostFloats.of(queries),
                HostFloats.of(input.keys()),
                HostFloats.of(input.values()),
                (float) input.scale(),
                TileGrid.sinks(input),
                output,
                logSumExp);
        backend.workers()
                .parallelFor(
                        grid.tasks(),
                        task -> forward.run(task, backend.workers().scratch()));
        return new Attended(
                HostFloats.tensor(backend, outputShape, output),
                HostFloats.tensor(backend, queries.shape().leading(-1), logSumExp));
    }

    @Override
    public Gradients gradients(
            DenseAttentionInput input, Attended result, Tensor dOutput, @Nullable Tensor dLogSumExp) {
        TileGrid grid = new TileGrid(input);
        float[] sinks = TileGrid.sinks(input);
        float[] dO = HostFloats.of(dOutput);
        float[] output = HostFloats.of(result.output());
        float[] logSumExp = HostFloats.of(result.logSumExp());
        float[] dLse = dLogSumExp == null ? new float[0] : HostFloats.of(dLogSumExp);
        float[] up = sinks.length == 0 ? dO : new float[dO.length];
        float[] offset = new float[logSumExp.length];
        float[] taken = new float[sinks.length == 0 ? 0 : logSumExp.length];
        int valueWidth = grid.valueWidth;
        backend.workers().parallelRanges(offset.length, ROWS_PER_CHUNK, (from, to) -> {
            for (int row = from; row < to; row++) {
                float inner = dot(dO, output, row * valueWidth, valueWidth);
                offset[row] = inner;
                if (sinks.length > 0) {
                    float share = TileGrid.share(sinks[row % sinks.length], logSumExp[row]);
                    taken[row] = (1 - share) * inner;
                    offset[row] = share * inner;
                    for (int i = row * valueWidth; i < (row + 1) * valueWidth; i++) {
                        up[i] = dO[i] * share;
                    }
                }
                if (dLse.length > 0) {
                    offset[row] -= dLse[row];
                }
            }
        });
        float[] dq = HostFloats.allocate(input.queries().shape());
        float[] dk = HostFloats.allocate(input.keys().shape());
        float[] dv = HostFloats.allocate(input.values().shape());
        TiledBackward backward = new TiledBackward(
                grid,
                HostFloats.of(input.queries()),
                HostFloats.of(input.keys()),
                HostFloats.of(input.values()),
                (float) input.scale(),
                up,
                logSumExp,
                offset,
                dq);
        var sums = new TiledBackward.KeySums[grid.parts == 1 ? 0 : grid.tasks()];
        backend.workers().parallelFor(grid.tasks(), task -> {
            TiledBackward.KeySums own = backward.run(task, backend.workers().scratch());
            if (grid.parts == 1) {
                spread(grid, task, own, dk, dv);
            } else {
                sums[task] = own;
            }
        });
        if (grid.parts > 1) {
            backend.workers().parallelFor(grid.batch * grid.keyHeads, head -> {
                TiledBackward.KeySums total = sums[head * grid.parts];
                for (int part = 1; part < grid.parts; part++) {
                    add(sums[head * grid.parts + part].keys(), total.keys());
                    add(sums[head * grid.parts + part].values(), total.values());
                }
                spread(grid, head, total, dk, dv);
            });
        }
        return new Gradients(
                HostFloats.tensor(backend, input.queries().shape(), dq),
                HostFloats.tensor(backend, input.keys().shape(), dk),
                HostFloats.tensor(backend, input.values().shape(), dv),
                input.sinks() == null
                        ? null
                        : HostFloats.tensor(backend, input.sinks().shape(), minusSums(taken, sinks.length)));
    }

    private static float dot(float[] a, float[] b, int at, int n) {
        float even = 0;
        float odd = 0;
        int i = 0;
        for (; i + 1 < n; i += 2) {
            even = Math.fma(a[at + i], b[at + i], even);
            odd = Math.fma(a[at + i + 1], b[at + i + 1], odd);
        }
        return i < n ? Math.fma(a[at + i], b[at + i], even) + odd : even + odd;
    }

    private static void add(float[] from, float[] to) {
        for (int i = 0; i < to.length; i++) {
            to[i] += from[i];
        }
    }

    private static void spread(TileGrid grid, int head, TiledBackward.KeySums sums, float[] dk, float[] dv) {
        int sequence = head / grid.keyHeads;
        int keyHead = head % grid.keyHeads;
        float[] ones = new float[grid.keys];
        Arrays.fill(ones, 1f);
        int step = grid.paddedKeys() * STRIP;
        grid.keys(dk, sequence, keyHead, grid.width).spread(0, grid.keys, ones, sums.keys(), 0, step);
        grid.keys(dv, sequence, keyHead, grid.valueWidth).spread(0, grid.keys, ones, sums.values(), 0, step);
    }

    /** By head, over batch and tokens in order. */
    private static float[] minusSums(float[] x, int heads) {
        double[] sums = new double[heads];
        for (int i = 0; i < x.length; i++) {
            sums[i % heads] -= x[i];
        }
        float[] rounded = new float[heads];
        for (int h = 0; h < heads; h++) {
            rounded[h] = (float) sums[h];
        }
        return rounded;
    }
}
