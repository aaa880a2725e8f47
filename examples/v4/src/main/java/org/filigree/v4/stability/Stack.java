package org.filigree.v4.stability;

import java.util.ArrayList;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Embedding;
import org.filigree.core.nn.EmbeddingConfig;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.RmsNorm;
import org.filigree.core.nn.SwiGluConfig;
import org.filigree.core.op.CrossEntropy;
import org.filigree.core.op.Reshape;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.mhc.HyperConnected;
import org.filigree.mhc.Streams;
import org.filigree.v4.data.ByteVocabulary;
import org.filigree.v4.data.TokenWindows;

/**
 * A byte-level language model of nothing but sub-layers, token mixing and feed-forward in turn, within the same connections. Streams are
 * summed at the end.
 */
record Stack(Backend backend, int streams, Embedding embedding, HyperConnected chain, RmsNorm norm, Linear head) {
    private static final double EPS = 1e-6;

    /** The convolutions of five mixing layers together see 124 bytes. */
    private static final int DILATIONS = 5;

    static Stack init(Contender contender, int depth, int width, Backend backend, RandomStream random) {
        var layers = new ArrayList<Layer>();
        for (int i = 0; i < depth; i++) {
            RandomStream own = random.fork("layers").fork(i);
            Layer layer = i % 2 == 0
                    ? TokenMixing.init(width, 1 << (i / 2 % DILATIONS), backend, own)
                    : SwiGluConfig.of(width, 2 * width).init(backend, own);
            layers.add(new PreNorm(RmsNorm.init(backend, width, EPS), layer));
        }
        HyperConnected chain = contender.config(width).around(layers.getFirst(), backend, random.fork("connections"));
        for (Layer layer : layers.subList(1, depth)) {
            chain = chain.then(layer);
        }
        contender.start(chain, backend, random.fork("start"));
        return new Stack(
                backend,
                contender.streams(),
                EmbeddingConfig.of(ByteVocabulary.SIZE, width).init(backend, random.fork("embed")),
                chain,
                RmsNorm.init(backend, width, EPS),
                LinearConfig.of(width, ByteVocabulary.SIZE).init(backend, random.fork("head")));
    }

    /** Mean cross entropy over all targets, in nats. */
    Tensor loss(TokenWindows windows, Context context) {
        Tensor ids = backend.tensors().ints(Shape.of(windows.count(), windows.length()), windows.inputs());
        Tensor x = chain.forward(Streams.expand(embedding.forward(ids), streams), context);
        Tensor logits = head.forward(norm.forward(Streams.total(x)));
        int[] targets = windows.targets();
        return CrossEntropy.crossEntropy(
                Reshape.reshape(logits, -1, ByteVocabulary.SIZE),
                backend.tensors().ints(Shape.of(targets.length), targets));
    }

    ParameterMap parameters() {
        return ParameterMap.empty()
                .with("embed", embedding.parameters())
                .with("chain", chain.parameters())
                .with("norm", norm.parameters())
                .with("head", head.parameters());
    }
}
