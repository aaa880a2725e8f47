package org.filigree.bench;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Permute.transpose;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.Softmax.softmax;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.nn.SwiGluConfig;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.mhc.HyperConnected;
import org.filigree.mhc.HyperConnectionsConfig;

/** A plain transformer block over residual streams: dense causal attention and SwiGLU, each with a norm before it. */
final class CausalBlock {
    private static final double EPS = 1e-6;

    private final HyperConnected layers;

    CausalBlock(Backend backend, HyperConnectionsConfig connections, int heads, int tokens, int hidden) {
        int width = connections.width();
        RandomStream random = RandomStream.of(1);
        LinearConfig square = LinearConfig.of(width, width);
        Layer attention = new Attention(
                square.init(backend, random.fork("q")),
                square.init(backend, random.fork("k")),
                square.init(backend, random.fork("v")),
                square.init(backend, random.fork("o")),
                heads,
                causalMask(backend, tokens));
        Layer feedForward = SwiGluConfig.of(width, hidden).init(backend, random.fork("ffn"));
        this.layers = connections
                .around(new Normed(RmsNorm.init(backend, width, EPS), attention))
                .then(new Normed(RmsNorm.init(backend, width, EPS), feedForward));
    }

    /** {@return the result, and the gradients of the streams and of all parameters} */
    List<Tensor> trainingStep(Tensor streams, Tensor upstream) {
        Tensor leaf = Autograd.leaf(streams);
        Tensor y = layers.forward(leaf, Context.training());
        Gradients gradients = Autograd.backward(y, upstream);
        List<Tensor> results = new ArrayList<>(List.of(y, gradients.of(leaf)));
        layers.parameters().learned().forEach((_, parameter) -> results.add(gradients.of(parameter.value())));
        return results;
    }

    private static Tensor causalMask(Backend backend, int tokens) {
        float[] mask = new float[tokens * tokens];
        for (int query = 0; query < tokens; query++) {
            for (int key = query + 1; key < tokens; key++) {
                mask[query * tokens + key] = Float.NEGATIVE_INFINITY;
            }
        }
        return backend.tensors().floats(Shape.of(tokens, tokens), mask);
    }

    private record Normed(RmsNorm norm, Layer layer) implements Layer {
        @Override
        public Tensor forward(Tensor x, Context context) {
            return layer.forward(norm.forward(x), context);
        }

        @Override
        public ParameterMap parameters() {
            return layer.parameters().with("norm", norm.parameters());
        }
    }

    private record Attention(Linear query, Linear key, Linear value, Linear out, int heads, Tensor mask)
            implements Layer {
        @Override
        public Tensor forward(Tensor x, Context context) {
            double scale = 1 / Math.sqrt((double) x.dim(-1) / heads);
            Tensor q = split(scale(query.forward(x), scale));
            Tensor logits = matmulTransposed(q, split(key.forward(x)));
            Tensor read = matmul(softmax(add(logits, mask)), split(value.forward(x)));
            return out.forward(reshape(transpose(read, 1, 2), x.shape()));
        }

        /** From [batch, tokens, width] to [batch, heads, tokens, head width]. */
        private Tensor split(Tensor x) {
            return transpose(reshape(x, x.dim(0), x.dim(1), heads, x.dim(2) / heads), 1, 2);
        }

        @Override
        public ParameterMap parameters() {
            return ParameterMap.empty()
                    .with("q", query.parameters())
                    .with("k", key.parameters())
                    .with("v", value.parameters())
                    .with("o", out.parameters());
        }
    }
}
