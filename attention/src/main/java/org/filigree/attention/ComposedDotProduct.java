package org.filigree.attention;

import static org.filigree.core.op.Affine.affine;
import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Clamp.clamp;
import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.LogSumExp.logSumExp;
import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.MatMul.transposedMatmul;
import static org.filigree.core.op.Permute.permute;
import static org.filigree.core.op.Pointwise.sigmoid;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Slice.slice;
import static org.filigree.core.op.Softmax.softmax;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Attention from core's operations, some queries after the other against all the keys that any of them sees. Sinks come in at the
 * end: they scale a row of weights by σ(log-sum-exp − sink), so that the tiles know nothing of them.
 */
record ComposedDotProduct() implements ScaledDotProductKernel {
    /** Queries of a tile; with their keys they bound the logits at hand. */
    static final int TILE = 64;

    /** Instead of ∞, so that the difference of sink and log-sum-exp is a number. */
    private static final double HUGE = 1e30;

    /** Some queries of one sequence, and the keys that any of them sees. */
    private record Tile(int sequence, int from, int to, int firstKey, int keyEnd) {
        static List<Tile> of(DenseAttentionInput input) {
            var tiles = new ArrayList<Tile>();
            KeySpan span = input.span();
            for (int b = 0; b < input.queries().dim(0); b++) {
                for (int from = 0; from < input.queries().dim(1); from += TILE) {
                    int to = Math.min(input.queries().dim(1), from + TILE);
                    int first = input.keys().dim(1);
                    int end = 0;
                    for (int t = from; t < to; t++) {
                        first = Math.min(first, span.from(t));
                        end = Math.max(end, span.to(t));
                    }
                    // A softmax needs a column to be zero in.
                    first = Math.min(first, input.keys().dim(1) - 1);
                    tiles.add(new Tile(b, from, to, first, Math.max(end, first + 1)));
                }
            }
            return tiles;
        }

        /** [1, ·, heads, width] to [key heads, rows · heads of a group, width]. */
        Tensor queries(Tensor x, int keyHeads) {
            Tensor rows = slice(slice(x, 0, sequence, sequence + 1), 1, from, to);
            Tensor grouped = reshape(rows, to - from, keyHeads, x.dim(2) / keyHeads, x.dim(3));
            return reshape(permute(grouped, 1, 0, 2, 3), keyHeads, (to - from) * (x.dim(2) / keyHeads), x.dim(3));
        }

        /** [1, ·, key heads, width] to [key heads, keys, width]. */
        Tensor keys(Tensor x) {
            Tensor rows = slice(slice(x, 0, sequence, sequence + 1), 1, firstKey, keyEnd);
            return permute(reshape(rows, keyEnd - firstKey, x.dim(2), x.dim(3)), 1, 0, 2);
        }

        /** What {@link #queries} does, back. */
        Tensor tokenMajor(Tensor x, int heads) {
            int keyHeads = x.dim(0);
            Tensor grouped = reshape(x, keyHeads, to - from, heads / keyHeads, x.dim(2));
            return reshape(permute(grouped, 1, 0, 2, 3), 1, to - from, heads, x.dim(2));
        }

        /** What {@link #keys} does, back, among zeros for the other keys. */
        Tensor amongAll(Tensor x, int keys) {
            Tensor own = permute(x, 1, 0, 2);
            Backend backend = Backend.of(x);
            Tensor before = backend.tensors().zeros(Shape.of(firstKey, x.dim(0), x.dim(2)));
            Tensor behind = backend.tensors().zeros(Shape.of(keys - keyEnd, x.dim(0), x.dim(2)));
            return concat(0, before, own, behind);
        }

        /** [key heads, rows · heads of a group, keys], −∞ out of sight. */
        Tensor logits(DenseAttentionInput input, Tensor q, Tensor k) {
            int rows = to - from;
            int keys = keyEnd - firstKey;
            float[] bias = new float[rows * keys];
            Arrays.fill(bias, Float.NEGATIVE_INFINITY);
            for (int t = from; t < to; t++) {
                int first = Math.max(input.span().from(t), firstKey) - firstKey;
                int end = input.span().to(t) - firstKey;
                if (first < end) {
                    Arrays.fill(bias, (t - from) * keys + first, (t - from) * keys + end, 0);
                }
            }
            Tensor products = scale(matmulTransposed(q, k), input.scale());
            Tensor byRow = reshape(products, q.dim(0), rows, q.dim(1) / rows, keys);
            Tensor visible = Backend.of(q).tensors().floats(Shape.of(rows, 1, keys), bias);
            return reshape(add(byRow, visible), products.shape());
        }
    }

    @Override
    public Attended forward(DenseAttentionInput input) {
        int heads = input.queries().dim(2);
        var outputs = new ArrayList<Tensor>();
        var sums = new ArrayList<Tensor>();
        for (Tile tile : Tile.of(input)) {
            Tensor q = tile.queries(input.queries(), input.keys().dim(2));
            Tensor logits = tile.logits(input, q, tile.keys(input.keys()));
            outputs.add(tile.tokenMajor(matmul(softmax(logits), tile.keys(input.values())), heads));
            sums.add(tile.tokenMajor(insertAxis(logSumExp(logits), -1), heads));
        }
        Shape shape = input.queries().shape();
        Tensor output =
                reshape(concat(1, outputs), shape.withDim(-1, input.values().dim(3)));
        Tensor logSumExp = reshape(concat(1, sums), shape.leading(-1));
        return new Attended(
                input.sinks() == null ? output : multiply(output, insertAxis(weight(input.sinks(), logSumExp), -1)),
                logSumExp);
    }

    /** The share that keys get beside the sink, [batch, tokens, heads]. */
    private static Tensor weight(Tensor sinks, Tensor logSumExp) {
        return sigmoid(subtract(clamp(logSumExp, -HUGE, HUGE), clamp(sinks, -2 * HUGE, 2 * HUGE)));
    }

    /**
     * With w the share beside the sink, D = dO·O and p the weights without the sink: ds = p∘(w·dO·v − (w·D − dL)), and the sink gets
     * −(1 − w)·D.
     */
    @Override
    public Gradients gradients(
            DenseAttentionInput input, Attended result, Tensor dOutput, @Nullable Tensor dLogSumExp) {
        Tensor q = input.queries();
        Tensor k = input.keys();
        Tensor v = input.values();
        int keyHeads = k.dim(2);
        Tensor inner = sum(multiply(dOutput, result.output()), -1);
        Tensor dSinks = null;
        Tensor dPlain = dOutput;
        Tensor offset = inner;
        if (input.sinks() != null) {
            Tensor weight = weight(input.sinks(), result.logSumExp());
            dSinks = sum(sum(multiply(affine(weight, 1, -1), inner), 0), 0);
            dPlain = multiply(dOutput, insertAxis(weight, -1));
            offset = multiply(weight, inner);
        }
        if (dLogSumExp != null) {
            offset = subtract(offset, dLogSumExp);
        }
        Tensor column = insertAxis(offset, -1);
        var dQueries = new ArrayList<Tensor>();
        var dKeys = new ArrayList<Tensor>();
        var dValues = new ArrayList<Tensor>();
        for (int b = 0; b < q.dim(0); b++) {
            dKeys.add(Backend.of(k).tensors().zeros(Shape.of(k.dim(1), keyHeads, k.dim(3))));
            dValues.add(Backend.of(v).tensors().zeros(Shape.of(v.dim(1), keyHeads, v.dim(3))));
        }
        for (Tile tile : Tile.of(input)) {
            Tensor tq = tile.queries(q, keyHeads);
            Tensor tk = tile.keys(k);
            Tensor up = tile.queries(dPlain, keyHeads);
            Tensor p = softmax(tile.logits(input, tq, tk));
            Tensor dp = subtract(matmulTransposed(up, tile.keys(v)), tile.queries(column, keyHeads));
            Tensor ds = scale(multiply(p, dp), input.scale());
            int b = tile.sequence;
            dQueries.add(tile.tokenMajor(matmul(ds, tk), q.dim(2)));
            dKeys.set(b, add(dKeys.get(b), tile.amongAll(transposedMatmul(ds, tq), k.dim(1))));
            dValues.set(b, add(dValues.get(b), tile.amongAll(transposedMatmul(p, up), k.dim(1))));
        }
        return new Gradients(
                reshape(concat(1, dQueries), q.shape()),
                reshape(concat(0, dKeys), k.shape()),
                reshape(concat(0, dValues), v.shape()),
                dSinks);
    }
}
