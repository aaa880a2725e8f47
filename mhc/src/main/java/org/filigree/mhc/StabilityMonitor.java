package org.filigree.mhc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/**
 * A {@link MixListener} that measures how stable a stack is. Attach it to a pass, then take the {@link #report}; in a training loop
 * once a step, or once in a while:
 *
 * {@snippet :
 * StabilityMonitor monitor = new StabilityMonitor(256);
 * Tensor out = chain.forward(streams, context.with(MixListener.KEY, monitor));
 * System.out.println(monitor.report().table());
 * }
 *
 * Several passes may go by before a report, as where gradients are accumulated: connections that are heard again begin another pass
 * of the same stack, and the tokens of all passes are averaged over. So a pass must not go through the same connections twice. Passes
 * without tokens say nothing and are not counted. It copies mixes to the host and belongs to one thread.
 */
public final class StabilityMonitor implements MixListener {
    private final int mostTokens;
    private final List<List<double[][][]>> passes = new ArrayList<>();
    private final Set<HyperConnections> heard = Collections.newSetFromMap(new IdentityHashMap<>());

    /**
     * A monitor that has heard nothing.
     *
     * @param mostTokens of how many tokens of a pass to keep the mixes at most, evenly spaced among all
     */
    public StabilityMonitor(int mostTokens) {
        Check.positive("stability monitor: mostTokens", mostTokens);
        this.mostTokens = mostTokens;
    }

    @Override
    public void mixed(HyperConnections connections, MixWeights weights) {
        double[][][] mixes = mixes(weights.comb());
        if (mixes.length == 0) {
            return;
        }
        if (heard.contains(connections)) {
            heard.clear();
        }
        if (heard.isEmpty()) {
            passes.add(new ArrayList<>());
        }
        heard.add(connections);
        List<double[][][]> pass = passes.getLast();
        if (!pass.isEmpty() && pass.getFirst().length != mixes.length) {
            throw new IllegalStateException(
                    "stability monitor: sub-layer " + pass.size() + " has mixes of " + mixes.length
                            + " tokens, but those before had " + pass.getFirst().length
                            + "; take the report after each pass");
        }
        pass.add(mixes);
    }

    /** Of the tokens that are kept, in the orientation x′ = Mx. */
    private double[][][] mixes(Tensor weights) {
        int n = weights.dim(-1);
        double[] comb = weights.toDoubles();
        int tokens = comb.length / (n * n);
        int kept = Math.min(tokens, mostTokens);
        double[][][] mixes = new double[kept][n][n];
        for (int i = 0; i < kept; i++) {
            int at = (int) ((long) i * tokens / kept) * n * n;
            for (int source = 0; source < n; source++) {
                for (int target = 0; target < n; target++) {
                    mixes[i][target][source] = comb[at + source * n + target];
                }
            }
        }
        return mixes;
    }

    /**
     * What was heard since the last report, as one stack; then forgets it, also if it cannot be reported.
     *
     * @return figures of every sub-layer and of their products
     * @throws IllegalStateException if nothing was heard, or nothing but passes without tokens; or if passes had different numbers of
     *     sub-layers, as where one broke off
     */
    public StabilityReport report() {
        List<List<double[][][]>> stacks = List.copyOf(passes);
        passes.clear();
        heard.clear();
        if (stacks.isEmpty()) {
            throw new IllegalStateException(
                    "stability monitor: no mix was heard; attach it with context.with(MixListener.KEY, monitor) and run a pass");
        }
        int depth = stacks.getFirst().size();
        for (List<double[][][]> stack : stacks) {
            if (stack.size() != depth) {
                throw new IllegalStateException("stability monitor: one pass had " + depth + " sub-layers and another "
                        + stack.size() + "; take the report after each pass, also after one that broke off");
            }
        }
        return StabilityReport.of(IntStream.range(0, depth)
                .mapToObj(l -> stacks.stream()
                        .flatMap(stack -> Arrays.stream(stack.get(l)))
                        .toArray(double[][][]::new))
                .toList());
    }
}
