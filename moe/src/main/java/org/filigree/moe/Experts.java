package org.filigree.moe;

import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Gather.gather;
import static org.filigree.core.op.GroupedMatMul.groupedMatmul;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.ScatterAdd.scatterAdd;
import static org.filigree.core.op.SwiGlu.swiGlu;

import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/** All routed experts of a layer, their weights stacked, each a SwiGLU. */
final class Experts {
    private final WeightPlacement placement;
    private final double limit;
    private final Parameter gate;
    private final Parameter up;
    private final Parameter down;

    Experts(MoeConfig config, ParameterMap given) {
        this.placement = config.placement();
        this.limit = config.limit();
        this.gate = checked(given, "w1", config.experts(), config.hidden(), config.width());
        this.up = checked(given, "w3", config.experts(), config.hidden(), config.width());
        this.down = checked(given, "w2", config.experts(), config.width(), config.hidden());
    }

    private static Parameter checked(ParameterMap given, String name, int... dims) {
        Parameter parameter = given.get("experts." + name);
        Check.shape("moe", "experts." + name, parameter.value(), dims);
        return parameter;
    }

    /** Σ over a token's experts of weight·expert(x), for x [tokens, width]. */
    Tensor forward(Tensor x, Routing routing) {
        Dispatch dispatch = Dispatch.of(routing.experts(), gate.shape().dim(0));
        int slots = Math.toIntExact(routing.weights().shape().size());
        Tensor weights = insertAxis(gather(reshape(routing.weights(), slots), dispatch.slots()), -1);
        Tensor rows = gather(x, dispatch.tokens());
        Tensor hidden = swiGlu(
                groupedMatmul(rows, gate.value(), dispatch.offsets()),
                groupedMatmul(rows, up.value(), dispatch.offsets()),
                limit);
        Tensor out = switch (placement) {
            case BEFORE_DOWN -> groupedMatmul(multiply(hidden, weights), down.value(), dispatch.offsets());
            case AFTER_DOWN -> multiply(groupedMatmul(hidden, down.value(), dispatch.offsets()), weights);
        };
        return scatterAdd(out, dispatch.tokens(), x.dim(0));
    }

    ParameterMap parameters() {
        return ParameterMap.empty().with("w1", gate).with("w2", down).with("w3", up);
    }
}
