package org.filigree.attention;

import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.backend.simd.TileProducts;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.tensor.Shape;
import org.filigree.kvcache.CacheRows;

/**
 * {@link CachedAttentionKernel} on vector instructions: tiles of widened rows that stay in the second-level cache go into the softmaxes of
 * tokens. So beside the output there are never more than some tokens' sums.
 *
 * @param backend whose tensors they are
 */
record VectorCachedAttention(HostBackend backend) implements CachedAttentionKernel {
    @Override
    public boolean supports(int width, int valueWidth) {
        return width % VectorMath.LANES == 0 && valueWidth % TileProducts.PANEL == 0;
    }

    @Override
    public Attended attend(CachedAttentionInput input) {
        Shape shape = input.queries().shape();
        int tokens = shape.dim(0);
        int heads = shape.dim(1);
        int chosen = input.indices().dim(1);
        float[] queries = HostFloats.of(input.queries());
        int[] indices = HostInts.of(input.indices());
        float[] sinks = input.sinks() == null ? null : HostFloats.of(input.sinks());
        Shape outer = shape.leading(-1);
        Shape whole = outer.leading(outer.rank(), input.valueWidth());
        float[] output = HostFloats.allocate(whole);
        float[] logSumExp = HostFloats.allocate(outer);
        new TokenSoftmaxes(backend.workers(), tokens, chosen)
                .run(
                        (token, from, to) ->
                                part(input, queries, token, indices, token * chosen + from, token * chosen + to),
                        (token, softmax) -> softmax.finish(
                                sinks, output, token * heads * input.valueWidth(), logSumExp, token * heads));
        return new Attended(HostFloats.tensor(backend, whole, output), HostFloats.tensor(backend, outer, logSumExp));
    }

    private RunningSoftmax part(
            CachedAttentionInput input, float[] queries, int token, int[] indices, int from, int to) {
        CacheRows rows = input.keyValues();
        int heads = input.queries().dim(1);
        int width = rows.width();
        int[] present = new int[to - from];
        int found = 0;
        for (int i = from; i < to; i++) {
            if (indices[i] != -1) {
                present[found++] = indices[i];
            }
        }
        var softmax = new RunningSoftmax(heads, width, input.valueWidth(), (float) input.scale());
        ScratchBuffers scratch = backend.workers().scratch();
        float[] tile = scratch.borrow(RunningSoftmax.ROWS * width);
        for (int at = 0; at < found; at += RunningSoftmax.ROWS) {
            int count = Math.min(RunningSoftmax.ROWS, found - at);
            rows.gather(present, at, count, tile, 0);
            softmax.add(queries, token * heads * width, tile, count);
        }
        scratch.giveBack(tile);
        return softmax;
    }
}
