package org.filigree.moe;

import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Reshape.reshape;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Initializer;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * Routing by token id, as in the first layers of DeepSeek-V4: a fixed table chooses the experts, learned scores weigh them. Needs
 * {@link Context#TOKEN_IDS}. Parameters {@code weight} and, as state, {@code tid2eid}.
 */
public final class HashRouter implements Router {
    private final TopKRouting rule;
    private final Parameter weight;
    private final Parameter table;

    /**
     * A router over a table.
     *
     * @param rule how scores become weights; its groups play no part
     * @param weight W [experts, width]
     * @param table INT32 [vocabulary, k], the experts of every token id
     */
    public HashRouter(TopKRouting rule, Parameter weight, Parameter table) {
        Check.rank("hash router", "weight", weight.value(), 2);
        Check.rank("hash router", "table", table.value(), 2);
        Check.dtype("hash router", "table", table.value(), DType.INT32);
        Check.shape("hash router", "table", table.value(), table.shape().dim(0), rule.k());
        rule.check(weight.shape().dim(0));
        this.rule = rule;
        this.weight = weight;
        this.table = table;
    }

    /**
     * A router that sends every token id to experts drawn at random.
     *
     * @param backend where its parameters live
     * @param random draws table and weight
     * @param config sizes and rule
     * @param vocabulary number of token ids
     * @return the router
     */
    public static HashRouter init(Backend backend, RandomStream random, MoeConfig config, int vocabulary) {
        Check.positive("hash router: vocabulary", vocabulary);
        int k = config.routing().k();
        int[] table = new int[Math.multiplyExact(vocabulary, k)];
        RandomStream draw = random.fork("tid2eid");
        for (int id = 0; id < vocabulary; id++) {
            System.arraycopy(draw.permutation(config.experts()), 0, table, id * k, k);
        }
        return new HashRouter(
                config.routing(),
                Parameter.learned(Initializer.fanIn()
                        .draw(backend, Shape.of(config.experts(), config.width()), random.fork("weight"))),
                Parameter.state(backend.tensors().ints(Shape.of(vocabulary, k), table)));
    }

    @Override
    public Routing route(Tensor x, Context context) {
        Tensor ids = context.require(Context.TOKEN_IDS, "hash router");
        if (ids.shape().size() != x.dim(0)) {
            throw new ShapeException(
                    "hash router: the context holds " + ids.shape().size() + " token ids "
                            + ids.shape() + " for " + x.dim(0)
                            + " tokens; give the ids of this pass alone");
        }
        Tensor experts = gather(table.value(), reshape(ids, x.dim(0)));
        Tensor scores = rule.scoring().scores(matmulTransposed(x, weight.value()));
        return new Routing(experts, rule.weights(scores, experts), scores);
    }

    @Override
    public int experts() {
        return weight.shape().dim(0);
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty().with("weight", weight).with("tid2eid", table);
    }
}
