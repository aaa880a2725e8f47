package org.filigree.attention;

import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.junit.jupiter.params.ParameterizedTest;

/** The block-sparse attention of the README: a scorer and a choice of blocks of a user's own. */
class BlockSparseExampleTest {
    /** One product for each pair of query and key, in a space of its own. */
    record DotScorer(Linear query, Linear key) implements Scorer {
        @Override
        public int keyWidth() {
            return key.weight().shape().dim(0);
        }

        @Override
        public Tensor keys(ScorerInput input) {
            return key.forward(input.x());
        }

        @Override
        public Tensor score(ScorerInput input, Tensor keys) {
            return matmulTransposed(query.forward(input.queryLatent()), keys);
        }

        @Override
        public ParameterMap parameters() {
            return ParameterMap.empty().with("query", query.parameters()).with("key", key.parameters());
        }
    }

    record DotScorerConfig(int keyWidth) implements ScorerConfig {
        @Override
        public long parameterCount(Widths widths) {
            return (long) keyWidth * (widths.queryLatent() + widths.width());
        }

        @Override
        public Scorer init(Widths widths, Backend backend, RandomStream random) {
            return new DotScorer(
                    LinearConfig.of(widths.queryLatent(), keyWidth).init(backend, random.fork("query")),
                    LinearConfig.of(widths.width(), keyWidth).init(backend, random.fork("key")));
        }
    }

    private static LatentAttention blockSparse(Backend backend, int blocks) {
        return LatentAttentionConfig.of(16, 2)
                .withScorer(new DotScorerConfig(4))
                .withSelector(Union.of(SlidingWindow.of(3), TopBlocks.byMean(blocks, 4)))
                .init(backend, RandomStream.of(1));
    }

    private static Tensor tokens(Backend backend, int count) {
        return Sample.gaussian("x", RandomStream.of(2), 1, count, 16).on(backend);
    }

    @ParameterizedTest
    @EveryBackend
    void enoughBlocksAreDenseAttention(Backend backend) {
        LatentAttention attention = blockSparse(backend, 5);
        Tensor x = tokens(backend, 18);
        assertClose(
                "output",
                attention.withSelector(new All()).forward(x, Context.inference()),
                attention.forward(x, Context.inference()),
                Tolerance.of(backend, 64).times(8));
    }

    @ParameterizedTest
    @EveryBackend
    void decodesThroughACacheAndTrains(Backend backend) {
        LatentAttention attention = blockSparse(backend, 2);
        Tensor x = tokens(backend, 18);
        Tensor whole = attention.forward(x, Context.inference());
        try (KvCache cache = new ContiguousKvCache(attention.rowLayout(), 18)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            for (int t = 0; t < 18; t++) {
                assertClose(
                        "token " + t,
                        Slice.slice(whole, 1, t, t + 1),
                        attention.forward(Slice.slice(x, 1, t, t + 1), context),
                        Tolerance.float32(64).times(8));
            }
        }
        Tensor leaf = Autograd.leaf(x);
        Tensor y = attention.forward(leaf, Context.training());
        Gradients gradients = Autograd.backward(y, backend.tensors().full(y.shape(), 1));
        assertTrue(gradients.find(leaf).isPresent());
    }
}
