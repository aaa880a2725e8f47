package org.filigree.mhc;

import java.util.ArrayList;
import java.util.List;

/** comb = Σ_q a_q·P_qᵀ over all permutations, those that begin with less first: documentation and oracle. */
final class NaivePermutations implements NaiveMix {
    private final int n;
    private final List<int[]> sourcesOfTargets = new ArrayList<>();

    NaivePermutations(int n) {
        this.n = n;
        choose(new int[n], 0);
    }

    private void choose(int[] sourceOf, int target) {
        if (target == n) {
            sourcesOfTargets.add(sourceOf.clone());
            return;
        }
        for (int source = 0; source < n; source++) {
            boolean taken = false;
            for (int earlier = 0; earlier < target; earlier++) {
                taken |= sourceOf[earlier] == source;
            }
            if (!taken) {
                sourceOf[target] = source;
                choose(sourceOf, target + 1);
            }
        }
    }

    @Override
    public double[] forward(double[] logits) {
        double[] weights = softmax(logits);
        double[] comb = new double[n * n];
        for (int q = 0; q < weights.length; q++) {
            for (int target = 0; target < n; target++) {
                comb[sourcesOfTargets.get(q)[target] * n + target] += weights[q];
            }
        }
        return comb;
    }

    /** ∂a_q = ⟨G, P_q⟩ and ∂logit = a∘(∂a − Σ a∘∂a). */
    @Override
    public double[] backward(double[] logits, double[] upstream) {
        double[] weights = softmax(logits);
        double[] gradient = new double[weights.length];
        double inner = 0;
        for (int q = 0; q < weights.length; q++) {
            for (int target = 0; target < n; target++) {
                gradient[q] += upstream[sourcesOfTargets.get(q)[target] * n + target];
            }
            inner += weights[q] * gradient[q];
        }
        for (int q = 0; q < weights.length; q++) {
            gradient[q] = weights[q] * (gradient[q] - inner);
        }
        return gradient;
    }

    private double[] softmax(double[] logits) {
        if (logits.length != sourcesOfTargets.size()) {
            throw new IllegalArgumentException(
                    logits.length + " logits for " + sourcesOfTargets.size() + " permutations of " + n);
        }
        double max = Double.NEGATIVE_INFINITY;
        for (double logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        double[] weights = new double[logits.length];
        for (int q = 0; q < weights.length; q++) {
            weights[q] = Math.exp(logits[q] - max);
            sum += weights[q];
        }
        for (int q = 0; q < weights.length; q++) {
            weights[q] /= sum;
        }
        return weights;
    }
}
