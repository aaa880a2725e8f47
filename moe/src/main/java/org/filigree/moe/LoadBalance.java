package org.filigree.moe;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.divide;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.Pointwise.sign;
import static org.filigree.core.op.Reduce.mean;
import static org.filigree.core.op.Reduce.sum;
import static org.filigree.core.op.Reshape.insertAxis;
import static org.filigree.core.op.Reshape.reshape;
import static org.filigree.core.op.ScatterAdd.scatterAdd;
import static org.filigree.core.op.ScatterAdd.scatterAddLast;
import static org.filigree.core.op.TopK.topK;

import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/** Keeping experts equally busy, as in DeepSeek-V3 (arXiv 2412.19437, section 2.1.2): a bias that follows the load, and a mild loss. */
public final class LoadBalance {
    private LoadBalance() {}

    /**
     * How many tokens each expert got.
     *
     * @param routing a routing
     * @return [experts], without gradient
     */
    public static Tensor load(Routing routing) {
        Tensor ones =
                Backend.of(routing.experts()).tensors().full(routing.experts().shape(), 1);
        return scatterAdd(ones, routing.experts(), routing.scores().dim(1));
    }

    /**
     * Moves a bias against the load, in place: b ← b + γ·sign(mean load − load). Call it after each optimiser step with the load of the
     * whole batch.
     *
     * @param bias [experts]
     * @param load [experts]
     * @param speed γ, 0.001 in V3 and V4
     */
    public static void update(Parameter bias, Tensor load, double speed) {
        Check.rank("balance", "load", load, 1);
        Check.shape("balance", "bias", bias.value(), load.dim(0));
        Check.notNegative("balance: speed", speed);
        Tensor lack = subtract(mean(load, 0), load);
        bias.assign(add(Autograd.detach(bias.value()), scale(sign(lack), speed)));
    }

    /**
     * The sequence-wise auxiliary loss: for a sequence of T tokens f_i = E/(k·T)·Σ_t [i ∈ top-k of s_t], P_i = mean_t s_ti/Σ_j s_tj, and
     * the loss is α·Σ_i f_i·P_i, averaged over sequences. The gradient flows through P alone. It is α where load and scores are uniform.
     *
     * @param routing routing of whole sequences of equal length
     * @param sequences how many sequences there are
     * @param factor α, 1e-4 in V3 and V4
     * @return a scalar
     */
    public static Tensor sequenceLoss(Routing routing, int sequences, double factor) {
        Check.positive("balance: sequences", sequences);
        Tensor scores = routing.scores();
        Check.divides("balance: tokens", scores.dim(0), "sequences", sequences);
        int length = scores.dim(0) / sequences;
        Check.positive("balance: tokens of a sequence", length);
        int experts = scores.dim(1);
        int k = routing.experts().dim(1);
        Tensor best = topK(Autograd.detach(scores), k).indices();
        Tensor ones = Backend.of(scores).tensors().full(best.shape(), 1);
        Tensor chosen = scatterAddLast(ones, best, experts);
        Tensor share = divide(scores, insertAxis(sum(scores, -1), -1));
        Tensor f = scale(mean(reshape(chosen, sequences, length, experts), 1), (double) experts / k);
        Tensor p = mean(reshape(share, sequences, length, experts), 1);
        return scale(sum(multiply(f, p)), factor / sequences);
    }
}
