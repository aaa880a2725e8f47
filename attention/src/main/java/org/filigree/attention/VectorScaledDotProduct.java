package org.filigree.attention;

import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;

import java.util.Arrays;
import org.filigree.attention.TiledBackward.KeySums;
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
record VectorScaledDotProduct(HostBackend backend) implements ScaledDotProductKernel {
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
        if (grid.strips == 1) {
            new FewQueries(forward).run(backend.workers());
        } else {
            forward.run(backend.workers());
        }
        return new Attended(
                HostFloats.tensor(backend, outputShape, output),
                HostFloats.tensor(backend, queries.shape().leading(-1), logSumExp));
    }

    @Override
    public Gradients gradients(
            DenseAttentionInput input, Attended result, Tensor dOutput, @Nullable Tensor dLogSumExp) {
        TileGrid grid = new TileGrid(input);
        return gradients(grid, TiledBackward.segment(grid), input, result, dOutput, dLogSumExp);
    }

    /** The same with segments of so many keys, a multiple of {@link TileGrid#KEYS}. */
    Gradients gradients(
            TileGrid grid,
            int segment,
            DenseAttentionInput input,
            Attended result,
            Tensor dOutput,
            @Nullable Tensor dLogSumExp) {
        float[] sinks = TileGrid.sinks(input);
        OutputGradient upstream = OutputGradient.of(backend, result, sinks, dOutput, dLogSumExp);
        float[] dq = HostFloats.allocate(input.queries().shape());
        float[] dk = HostFloats.allocate(input.keys().shape());
        float[] dv = HostFloats.allocate(input.values().shape());
        TiledBackward backward = new TiledBackward(
                grid,
                HostFloats.of(input.queries()),
                HostFloats.of(input.keys()),
                HostFloats.of(input.values()),
                (float) input.scale(),
                upstream.up(),
                HostFloats.of(result.logSumExp()),
                upstream.offset(),
                dq);
        for (int begin = 0; begin < grid.keys; begin += segment) {
            int from = begin;
            int to = Math.min(grid.keys, begin + segment);
            if (grid.parts == 1) {
                backend.workers().parallelFor(grid.tasks(), head -> {
                    KeySums own = backward.run(head, from, to, backend.workers().scratch());
                    spread(grid, head, from, to, own, dk, dv);
                });
            } else {
                inParts(backward, from, to, dk, dv);
            }
        }
        return new Gradients(
                HostFloats.tensor(backend, input.queries().shape(), dq),
                HostFloats.tensor(backend, input.keys().shape(), dk),
                HostFloats.tensor(backend, input.values().shape(), dv),
                input.sinks() == null
                        ? null
                        : HostFloats.tensor(backend, input.sinks().shape(), upstream.ofSinks(sinks.length)));
    }

    private void inParts(TiledBackward backward, int from, int to, float[] dk, float[] dv) {
        TileGrid grid = backward.grid();
        var sums = new KeySums[grid.tasks()];
        backend.workers()
                .parallelFor(
                        sums.length,
                        task -> sums[task] =
                                backward.run(task, from, to, backend.workers().scratch()));
        backend.workers().parallelFor(grid.batch * grid.keyHeads, head -> {
            KeySums total = sums[head * grid.parts];
            for (int part = 1; part < grid.parts; part++) {
                add(sums[head * grid.parts + part].keys(), total.keys());
                add(sums[head * grid.parts + part].values(), total.values());
            }
            spread(grid, head, from, to, total, dk, dv);
        });
    }

    private static void add(float[] from, float[] to) {
        for (int i = 0; i < to.length; i++) {
            to[i] += from[i];
        }
    }

    private static void spread(TileGrid grid, int head, int from, int to, KeySums sums, float[] dk, float[] dv) {
        int sequence = head / grid.keyHeads;
        int keyHead = head % grid.keyHeads;
        float[] ones = new float[to - from];
        Arrays.fill(ones, 1f);
        int step = TileGrid.padded(to - from, HEIGHT) * STRIP;
        grid.keys(dk, sequence, keyHead, grid.width).spread(from, to, ones, sums.keys(), 0, step);
        grid.keys(dv, sequence, keyHead, grid.valueWidth).spread(from, to, ones, sums.values(), 0, step);
    }
}
