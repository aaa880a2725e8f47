package org.filigree.attention;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.op.MatMul;
import org.filigree.core.op.Reshape;
import org.filigree.core.op.Softmax;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** A process that attends forward and backward, for {@link MemoryTest} to run in a heap of known size. */
final class AttentionInHeap {
    private static final int HEADS = 1;
    private static final int WIDTH = 8;

    /** Ways to attend, all over one key head. */
    enum Way {
        /** Every earlier key. */
        CAUSAL,
        /** Keys named by index, among per-head keys. */
        CHOSEN,
        /** Keys named by index, among keys that are values too, by masking. */
        MASKED,
        /** What none of them may do: all logits at once. */
        MATRIX;

        Tensor attend(Tensor q, Tensor kv) {
            return switch (this) {
                case CAUSAL ->
                    ScaledDotProductAttention.attend(DenseAttentionInput.causal(q, kv, kv))
                            .output();
                case CHOSEN ->
                    ScaledDotProductAttention.attend(DenseAttentionInput.causal(q, kv, kv), lastThree(q))
                            .output();
                case MASKED ->
                    SparseAttention.masked()
                            .attend(AttentionInput.of(q, keys(kv), lastThree(q)))
                            .output();
                case MATRIX -> {
                    Tensor rows = Reshape.reshape(q, 1, q.dim(1) * HEADS, WIDTH);
                    Tensor weights = Softmax.softmax(MatMul.matmulTransposed(rows, keys(kv)));
                    yield Reshape.reshape(MatMul.matmul(weights, keys(kv)), q.shape());
                }
            };
        }

        private static Tensor keys(Tensor kv) {
            return Reshape.reshape(kv, 1, kv.dim(1), WIDTH);
        }
    }

    private AttentionInHeap() {}

    private static Tensor lastThree(Tensor q) {
        int tokens = q.dim(1);
        return SlidingWindow.of(3)
                .select(Backend.of(q).tensors().zeros(Shape.of(1, tokens, 3)), Visibility.causal(tokens, tokens));
    }

    /** Backend, way, tokens. */
    public static void main(String[] arguments) {
        int tokens = Integer.parseInt(arguments[2]);
        try (Backend backend = Backends.open(arguments[0])) {
            Tensor q = Autograd.leaf(waves(backend, tokens, HEADS));
            Tensor kv = Autograd.leaf(waves(backend, tokens, 1));
            Tensor output = Way.valueOf(arguments[1]).attend(q, kv);
            Gradients gradients = Autograd.backward(output, waves(backend, tokens, HEADS));
            var sums = new ArrayList<Double>();
            for (Tensor gradient : List.of(gradients.of(q), gradients.of(kv))) {
                double sum = 0;
                for (float value : gradient.toFloats()) {
                    sum += Math.abs(value);
                }
                sums.add(sum);
            }
            System.out.println(sums);
        }
    }

    private static Tensor waves(Backend backend, int tokens, int heads) {
        float[] values = new float[tokens * heads * WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(0.37 * i);
        }
        return backend.tensors().floats(Shape.of(1, tokens, heads, WIDTH), values);
    }
}
