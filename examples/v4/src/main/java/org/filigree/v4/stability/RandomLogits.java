package org.filigree.v4.stability;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.mhc.Gain;
import org.filigree.mhc.Sinkhorn;

/**
 * What Sinkhorn–Knopp's unfinished axis alone does to a deep stack: composites of mixes from normal logits, without any network. Deep
 * stacks are hardest if their sub-layers err in the same direction, so the logits may be correlated through depth.
 *
 * @param streams n
 * @param layers mixes in a product
 * @param iterations of Sinkhorn–Knopp
 * @param deviation standard deviation of the logits
 * @param correlation of the same logit in two layers, 0 to 1
 */
public record RandomLogits(int streams, int layers, int iterations, double deviation, double correlation) {
    private static final double EPS = 1e-6;

    /**
     * Backward gains of whole composites, in ascending order.
     *
     * @param backend where to normalise
     * @param random where logits come from
     * @param tokens how many composites
     * @return as many gains
     */
    public double[] backwardGains(Backend backend, RandomStream random, int tokens) {
        double[] gains = new double[tokens];
        for (int token = 0; token < tokens; token++) {
            gains[token] = Gain.ofComposite(mixes(backend, random)).backward();
        }
        Arrays.sort(gains);
        return gains;
    }

    private List<double[][]> mixes(Backend backend, RandomStream random) {
        int size = streams * streams;
        double[] common = new double[size];
        Arrays.setAll(common, i -> random.nextGaussian());
        double[] logits = new double[layers * size];
        Arrays.setAll(
                logits,
                i -> deviation
                        * (Math.sqrt(correlation) * common[i % size]
                                + Math.sqrt(1 - correlation) * random.nextGaussian()));
        double[] combs = Sinkhorn.sinkhorn(
                        backend.tensors().doubles(Shape.of(layers, streams, streams), logits), iterations, EPS)
                .toDoubles();
        var mixes = new ArrayList<double[][]>();
        for (int layer = 0; layer < layers; layer++) {
            double[][] mix = new double[streams][streams];
            for (int i = 0; i < size; i++) {
                mix[i % streams][i / streams] = combs[layer * size + i];
            }
            mixes.add(mix);
        }
        return mixes;
    }
}
