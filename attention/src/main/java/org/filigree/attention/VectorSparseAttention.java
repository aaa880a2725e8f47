package org.filigree.attention;

import java.util.Arrays;
import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Sparse attention on arrays, token by token: forward the chosen keys, copied side by side, go into the softmaxes of tokens as rows of a
 * cache do; backward is {@link SparseBackward}.
 *
 * @param backend whose arrays it reads and makes
 */
record VectorSparseAttention(HostBackend backend) implements SparseAttentionKernel {
    @Override
    public Attended forward(AttentionInput input) {
        SparseTiles tiles = new SparseTiles(input);
        var outputShape = input.queries().shape().withDim(-1, tiles.valueWidth);
        var sumShape = input.queries().shape().leading(-1);
        float[] output = HostFloats.allocate(outputShape);
        float[] logSumExp = HostFloats.allocate(sumShape);
        float[] sinks = input.sinks() == null ? null : tiles.sinks;
        new TokenSoftmaxes(backend.workers(), tiles.queries(), tiles.chosen)
                .run(
                        (token, from, to) -> part(tiles, token, from, to),
                        (token, softmax) -> softmax.finish(
                                sinks, output, token * tiles.heads * tiles.valueWidth, logSumExp, token * tiles.heads));
        return new Attended(
                HostFloats.tensor(backend, outputShape, output), HostFloats.tensor(backend, sumShape, logSumExp));
    }

    private RunningSoftmax part(SparseTiles tiles, int token, int from, int to) {
        int[] named = new int[to - from];
        int count = tiles.named(token, from, to, named);
        var softmax = new RunningSoftmax(tiles.heads, tiles.row, tiles.valueWidth, tiles.scale);
        int at = token * tiles.heads * tiles.width;
        boolean whole = tiles.row == tiles.width;
        float[] queries = whole ? tiles.q : tiles.paddedHeads(token);
        ScratchBuffers scratch = backend.workers().scratch();
        float[] tile = scratch.borrow(tiles.tileFloats());
        if (!whole) {
            Arrays.fill(tile, 0, tiles.tileFloats(), 0f);
        }
        for (int first = 0; first < count; first += RunningSoftmax.ROWS) {
            int met = Math.min(RunningSoftmax.ROWS, count - first);
            tiles.gather(token, named, first, first + met, tile);
            softmax.add(queries, whole ? at : 0, tile, met);
        }
        scratch.giveBack(tile);
        return softmax;
    }

    @Override
    public Gradients gradients(AttentionInput input, Attended result, Tensor dOutput, @Nullable Tensor dLogSumExp) {
        SparseTiles tiles = new SparseTiles(input);
        OutputGradient upstream = OutputGradient.of(backend, result, tiles.sinks, dOutput, dLogSumExp);
        float[] dq = HostFloats.allocate(input.queries().shape());
        float[] dkv = HostFloats.allocate(input.keyValues().shape());
        new SparseBackward(tiles, upstream, HostFloats.of(result.logSumExp()), dq, dkv).run(backend.workers());
        return new Gradients(
                HostFloats.tensor(backend, input.queries().shape(), dq),
                HostFloats.tensor(backend, input.keyValues().shape(), dkv),
                input.sinks() == null
                        ? null
                        : HostFloats.tensor(backend, input.sinks().shape(), upstream.ofSinks(tiles.heads)));
    }
}
