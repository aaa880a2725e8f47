package org.filigree.attention;

import static org.filigree.attention.TileProduct.STRIP;

import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Sparse attention on arrays, token by token. Where there are few tokens, the keys of each are cut into parts, which are joined in
 * order; the number of parts follows from the shape alone.
 *
 * @param backend whose arrays it reads and makes
 */
record VectorSparseAttention(HostBackend backend) implements SparseAttentionKernel {
    /** Tasks to have at least, if there are keys enough. */
    private static final int TASKS = 16;

    /** Indices of a part at least. */
    private static final int LEAST_PART = 2 * SparseTiles.KEYS;

    @Override
    public Attended forward(AttentionInput input) {
        SparseTiles tiles = new SparseTiles(input);
        var outputShape = input.queries().shape().withDim(-1, tiles.valueWidth);
        var sumShape = input.queries().shape().leading(-1);
        float[] output = HostFloats.allocate(outputShape);
        float[] logSumExp = HostFloats.allocate(sumShape);
        int parts = Math.clamp(Math.ceilDiv(TASKS, tiles.queries()), 1, Math.max(1, tiles.chosen / LEAST_PART));
        if (parts == 1) {
            int chunk = Math.clamp(tiles.queries() / TASKS, 1, TASKS);
            backend.workers().parallelRanges(tiles.queries(), chunk, (from, to) -> {
                SparseTiles.Part part = SparseTiles.Part.empty(tiles);
                for (int token = from; token < to; token++) {
                    part.clear();
                    attend(tiles, token, 0, tiles.chosen, part);
                    finish(tiles, token, part, output, logSumExp);
                }
            });
        } else {
            inParts(tiles, parts, output, logSumExp);
        }
        return new Attended(
                HostFloats.tensor(backend, outputShape, output), HostFloats.tensor(backend, sumShape, logSumExp));
    }

    private void inParts(SparseTiles tiles, int parts, float[] output, float[] logSumExp) {
        var all = new SparseTiles.Part[tiles.queries() * parts];
        int length = Math.ceilDiv(tiles.chosen, parts);
        backend.workers().parallelFor(all.length, task -> {
            all[task] = SparseTiles.Part.empty(tiles);
            int from = Math.min(tiles.chosen, task % parts * length);
            attend(tiles, task / parts, from, Math.min(tiles.chosen, from + length), all[task]);
        });
        for (int token = 0; token < tiles.queries(); token++) {
            SparseTiles.Part whole = all[token * parts];
            for (int part = 1; part < parts; part++) {
                whole.join(all[token * parts + part], tiles.valueStrips * STRIP * STRIP);
            }
            finish(tiles, token, whole, output, logSumExp);
        }
    }

    private void attend(SparseTiles tiles, int token, int from, int to, SparseTiles.Part part) {
        int[] named = new int[to - from];
        int count = tiles.named(token, from, to, named);
        ScratchBuffers scratch = backend.workers().scratch();
        float[] tile = tiles.tile();
        float[] turned = scratch.borrow(tiles.headStrips * STRIP * tiles.width);
        tiles.headsOf(tiles.q, token, tiles.width).turn(0, tiles.heads, STRIP, tiles.scale, turned, 0);
        float[] logits = new float[SparseTiles.KEYS * STRIP];
        float[] keep = new float[STRIP];
        for (int first = 0; first < count; first += SparseTiles.KEYS) {
            int met = Math.min(SparseTiles.KEYS, count - first);
            tiles.gather(token, named, first, first + met, tile);
            for (int s = 0; s < tiles.headStrips; s++) {
                tiles.multiply(met, tiles.width, tile, turned, s * STRIP * tiles.width, logits, 0);
                TiledForward.weigh(logits, met, part.peaks(), part.totals(), s * STRIP, keep);
                int at = s * tiles.valueStrips * STRIP * STRIP;
                LogitTile.scaleRows(part.sums(), at, tiles.valueStrips, keep);
                tiles.addUp(met, logits, 0, s, tile, tiles.valueStrips, part.sums(), at);
            }
        }
        scratch.giveBack(turned);
    }

    private static void finish(SparseTiles tiles, int token, SparseTiles.Part part, float[] output, float[] logSumExp) {
        TilePacking target = tiles.headsOf(output, token, tiles.valueWidth);
        float[] factors = new float[STRIP];
        for (int s = 0; s < tiles.headStrips; s++) {
            int end = Math.min(tiles.heads, (s + 1) * STRIP);
            for (int h = s * STRIP; h < end; h++) {
                float total = part.totals()[h];
                float lse = (float) (part.peaks()[h] + Math.log(total));
                logSumExp[token * tiles.heads + h] = lse;
                float share = tiles.sinks.length == 0 ? 1f : OutputGradient.share(tiles.sinks[h], lse);
                factors[h - s * STRIP] = total == 0 ? 0f : share / total;
            }
            target.spread(s * STRIP, end, factors, part.sums(), s * tiles.valueStrips * STRIP * STRIP, STRIP * STRIP);
        }
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
