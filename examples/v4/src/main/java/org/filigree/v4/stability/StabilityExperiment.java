package org.filigree.v4.stability;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.optim.GradientNorm;
import org.filigree.core.optim.Optimizer;
import org.filigree.core.optim.Schedule;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.mhc.MixListener;
import org.filigree.mhc.NaNLogitsException;
import org.filigree.mhc.StabilityMonitor;
import org.filigree.mhc.StabilityReport;
import org.filigree.v4.data.BatchConfig;
import org.filigree.v4.data.Batches;
import org.filigree.v4.data.TokenStream;
import org.filigree.v4.data.TokenWindows;
import org.filigree.v4.stability.StabilityResult.Measured;
import org.filigree.v4.train.Optimizers;

/**
 * Trains stacks of every depth with every kind of connections on the same text and measures composite gains before and after. Stacks of
 * one depth start with the same sub-layers and see the same batches.
 *
 * @param plan sizes
 * @param train what to train on
 * @param heldOut where to measure
 */
public record StabilityExperiment(StabilityPlan plan, TokenStream train, TokenWindows heldOut) {
    private static final double CLIP = 1;
    private static final int MOST_TOKENS = 256;

    /**
     * Runs everything.
     *
     * @param backend where to compute
     * @param ended told of every stack that is done
     * @return results by contender and depth
     */
    public List<StabilityResult> run(Backend backend, Consumer<StabilityResult> ended) {
        var results = new ArrayList<StabilityResult>();
        for (int depth : plan.depths()) {
            for (Contender contender : Contender.all(plan.streams(), plan.factor())) {
                StabilityResult result = run(contender, depth, backend);
                results.add(result);
                ended.accept(result);
            }
        }
        return results;
    }

    private StabilityResult run(Contender contender, int depth, Backend backend) {
        RandomStream random = RandomStream.of(plan.seed()).fork("depth").fork(depth);
        Stack stack = Stack.init(contender, depth, plan.width(), backend, random);
        Measured start = measure(stack);
        int steps = train(stack);
        return new StabilityResult(contender, depth, start, measure(stack), steps);
    }

    private int train(Stack stack) {
        Optimizer optimizer = Optimizers.of(stack.parameters());
        Schedule schedule = plan.schedule();
        var batches = new Batches(train, BatchConfig.of(plan.batch(), plan.length(), plan.seed()));
        for (int step = 0; step < plan.steps(); step++) {
            GradientNorm.Clipped clipped;
            try {
                Tensor loss = stack.loss(batches.at(step), Context.training());
                if (!Double.isFinite(loss.item())) {
                    return step;
                }
                clipped = GradientNorm.clip(stack.parameters(), Autograd.backward(loss), CLIP);
            } catch (NaNLogitsException | ArithmeticException diverged) {
                return step;
            }
            optimizer.step(clipped.gradients(), schedule.rate(step));
        }
        return plan.steps();
    }

    private Measured measure(Stack stack) {
        var monitor = new StabilityMonitor(MOST_TOKENS);
        double nats;
        try {
            nats = Autograd.withoutGradients(() -> stack.loss(
                            heldOut, Context.inference().with(MixListener.KEY, monitor))
                    .item());
        } catch (NaNLogitsException diverged) {
            return Measured.NOT_FINITE;
        }
        StabilityReport report = monitor.report();
        return new Measured(nats / Math.log(2), report.peak(), report.largestOwn());
    }
}
