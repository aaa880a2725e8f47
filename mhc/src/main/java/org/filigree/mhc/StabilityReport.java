package org.filigree.mhc;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How stable a stack of L sub-layers is, over the mixes M_1…M_L of some tokens. Every figure is computed for each token and then
 * averaged (arXiv 2512.24880, section 3.1).
 *
 * @param subLayers figures of each, in the order of depth
 */
public record StabilityReport(List<Depth> subLayers) {
    /** Copies the list. */
    public StabilityReport {
        subLayers = List.copyOf(subLayers);
    }

    /**
     * Means at one sub-layer l.
     *
     * @param own figures of M_l
     * @param composite forward gain of M_l⋯M_1, which activations went through, and backward gain of M_L⋯M_l, which gradients went
     *     through
     */
    public record Depth(MixFigures own, Gain composite) {}

    static StabilityReport of(List<double[][][]> ofSubLayers) {
        int tokens = ofSubLayers.getFirst().length;
        var sums = new double[ofSubLayers.size()][8];
        for (int token = 0; token < tokens; token++) {
            var mixes = new ArrayList<double[][]>();
            for (double[][][] mixesOfTokens : ofSubLayers) {
                mixes.add(mixesOfTokens[token]);
            }
            List<Gain> composites = Gain.throughDepth(mixes);
            for (int l = 0; l < sums.length; l++) {
                MixFigures own = MixFigures.of(mixes.get(l));
                double[] figures = {
                    own.gain().forward(),
                    own.gain().backward(),
                    own.spectralNorm(),
                    own.rows(),
                    own.columns(),
                    own.entropy(),
                    composites.get(l).forward(),
                    composites.get(l).backward()
                };
                for (int i = 0; i < figures.length; i++) {
                    sums[l][i] += figures[i] / tokens;
                }
            }
        }
        var depths = new ArrayList<Depth>();
        for (double[] mean : sums) {
            depths.add(new Depth(
                    new MixFigures(new Gain(mean[0], mean[1]), mean[2], mean[3], mean[4], mean[5]),
                    new Gain(mean[6], mean[7])));
        }
        return new StabilityReport(depths);
    }

    /** {@return gain of the whole product M_L⋯M_1} */
    public Gain whole() {
        return new Gain(
                subLayers.getLast().composite().forward(),
                subLayers.getFirst().composite().backward());
    }

    /** {@return the largest composite gains over all depths} */
    public Gain peak() {
        return largest(subLayers.stream().map(Depth::composite).toList());
    }

    /** {@return the largest gains that a single sub-layer has} */
    public Gain largestOwn() {
        return largest(subLayers.stream().map(depth -> depth.own().gain()).toList());
    }

    private static Gain largest(List<Gain> gains) {
        return new Gain(
                gains.stream().mapToDouble(Gain::forward).max().orElseThrow(),
                gains.stream().mapToDouble(Gain::backward).max().orElseThrow());
    }

    /**
     * One line a sub-layer l, below a head, for people to read: the gains of M_l, forward and backward; those of M_l⋯M_1 forward and
     * M_L⋯M_l backward; the spectral norm of M_l, the distance of its rows and columns from doubly stochastic, and its entropy in
     * nats, as in {@link MixFigures}.
     *
     * @return the table
     */
    public String table() {
        var text = new StringBuilder(
                " sub-layer   forward  backward   1…l forward  l…L backward  spectral     rows  columns  entropy\n");
        for (int l = 0; l < subLayers.size(); l++) {
            Depth depth = subLayers.get(l);
            MixFigures own = depth.own();
            text.append(String.format(
                    Locale.ROOT,
                    "%10d %9.4f %9.4f %13.5g %13.5g %9.4f %8.1e %8.1e %8.4f%n",
                    l + 1,
                    own.gain().forward(),
                    own.gain().backward(),
                    depth.composite().forward(),
                    depth.composite().backward(),
                    own.spectralNorm(),
                    own.rows(),
                    own.columns(),
                    own.entropy()));
        }
        return text.toString();
    }
}
