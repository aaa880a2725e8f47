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
 * Attention from core's operations, some queries after the other against all the keys that any of them sees, so that the logits of one
 * {@link QueryTile} are all that there ever is. Sinks come in at the end: they scale a row of weights by σ(log-sum-exp − sink), so that
 * the tiles know nothing of them.
 *
 * @param chosen INT32 [batch, tokens, chosen], which keys of its run a query attends to, −1 for none, one named twice counting twice;
 *     null for all of them
 */
record ComposedDotProduct(@Nullable Tensor chosen) implements ScaledDotProductKernel {
    /** Instead of ∞, so that the difference of sink and log-sum-exp is a number. */
    private static final double HUGE = 1e30;

    /** [key heads, queries · heads of a group, keys], −∞ where a key is not attended to. */
    private Tensor logits(QueryTile tile, DenseAttentionInput input, Tensor q, Tensor k) {
        int rows = tile.to() - tile.from();
        int keys = tile.keyEnd() - tile.firstKey();
        float[] hidden = new float[rows * keys];
        Arrays.fill(hidden, Float.NEGATIVE_INFINITY);
        for (int t = tile.from(); t < tile.to(); t++) {
            int first = Math.max(input.span().from(t), tile.firstKey()) - tile.firstKey();
            int end = input.span().to(t) - tile.firstKey();
            if (first < end) {
                Arrays.fill(hidden, (t - tile.from()) * keys + first, (t - tile.from()) * keys + end, 0);
            }
        }
        Tensor bias = Backend.of(q).tensors().floats(Shape.of(rows, 1, keys), hidden);
        if (chosen != null) {
            Tensor own = slice(slice(chosen, 0, tile.sequence(), tile.sequence() + 1), 1, tile.from(), tile.to());
            Tensor counted = LogitBias.of(own, input.keys().dim(1));
            bias = add(bias, reshape(slice(counted, -1, tile.firstKey(), tile.keyEnd()), bias.shape()));
        }
        Tensor products = scale(matmulTransposed(q, k), input.scale());
        Tensor byRow = reshape(products, q.dim(0), rows, q.dim(1) / rows, keys);
        return reshape(add(byRow, bias), products.shape());
    }

    @Override
    public Attended forward(DenseAttentionInput input) {
        int heads = input.queries().dim(2);
        var outputs = new ArrayList<Tensor>();
        var sums = new ArrayList<Tensor>();
        for (QueryTile tile : QueryTile.of(input)) {
            Tensor q = tile.queries(input.queries(), input.keys().dim(2));
            Tensor logits = logits(tile, input, q, tile.keys(input.keys()));
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
        var dKeys = new ArrayList<RowSums>();
        var dValues = new ArrayList<RowSums>();
        for (int b = 0; b < q.dim(0); b++) {
            dKeys.add(new RowSums(Backend.of(k), k.shape().without(0)));
            dValues.add(new RowSums(Backend.of(v), v.shape().without(0)));
        }
        for (QueryTile tile : QueryTile.of(input)) {
            Tensor tq = tile.queries(q, keyHeads);
            Tensor tk = tile.keys(k);
            Tensor up = tile.queries(dPlain, keyHeads);
            Tensor p = softmax(logits(tile, input, tq, tk));
            Tensor dp = subtract(matmulTransposed(up, tile.keys(v)), tile.queries(column, keyHeads));
            Tensor ds = scale(multiply(p, dp), input.scale());
            int b = tile.sequence();
            dQueries.add(tile.tokenMajor(matmul(ds, tk), q.dim(2)));
            dKeys.get(b).add(tile.firstKey(), QueryTile.keyMajor(transposedMatmul(ds, tq)));
            dValues.get(b).add(tile.firstKey(), QueryTile.keyMajor(transposedMatmul(p, up)));
        }
        return new Gradients(
                reshape(concat(1, dQueries), q.shape()),
                reshape(joined(dKeys), k.shape()),
                reshape(joined(dValues), v.shape()),
                dSinks);
    }

    private static Tensor joined(List<RowSums> sequences) {
        return concat(0, sequences.stream().map(RowSums::all).toList());
    }
}
