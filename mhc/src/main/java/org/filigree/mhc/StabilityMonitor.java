package org.filigree.mhc;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.tensor.Check;

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
 * It copies mixes to the host and belongs to one thread.
 */
public final class StabilityMonitor implements MixListener {
    private final int mostTokens;
    private final List<double[][][]> ofSubLayers = new ArrayList<>();

    /**
     * A monitor that has heard nothing.
     *
     * @param mostTokens of how many tokens to keep the mixes at most, evenly spaced among all
     */
    public StabilityMonitor(int mostTokens) {
        Check.positive("stability monitor: mostTokens", mostTokens);
        this.mostTokens = mostTokens;
    }

    @Override
    public void mixed(HyperConnections connections, MixWeights weights) {
        int n = weights.comb().dim(-1);
        double[] comb = weights.comb().toDoubles();
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
        if (!ofSubLayers.isEmpty() && ofSubLayers.getFirst().length != kept) {
            throw new IllegalStateException("stability monitor: sub-layer " + ofSubLayers.size() + " has mixes of "
                    + kept + " tokens, but those before had "
                    + ofSubLayers.getFirst().length + "; take the report after each pass");
        }
        ofSubLayers.add(mixes);
    }

    /**
     * What was heard since the last report, as one stack; then forgets it.
     *
     * @return figures of every sub-layer and of their products
     * @throws IllegalStateException if nothing was heard, or nothing but passes without tokens
     */
    public StabilityReport report() {
        if (ofSubLayers.isEmpty() || ofSubLayers.getFirst().length == 0) {
            throw new IllegalStateException(
                    "stability monitor: no mix was heard; attach it with context.with(MixListener.KEY, monitor) and run a pass");
        }
        StabilityReport report = StabilityReport.of(ofSubLayers);
        ofSubLayers.clear();
        return report;
    }
}
