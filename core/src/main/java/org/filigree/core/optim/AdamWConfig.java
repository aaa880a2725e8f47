package org.filigree.core.optim;

import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Check;

/**
 * Constants of AdamW.
 *
 * @param beta1 memory of the mean gradient, in [0, 1)
 * @param beta2 memory of the mean squared gradient, in [0, 1)
 * @param epsilon added to the root of the mean square
 * @param decay weight decay per unit of learning rate
 * @param rateFactor multiplies the learning rate (5 for Engram tables)
 */
public record AdamWConfig(double beta1, double beta2, double epsilon, double decay, double rateFactor) {
    /** Checks the numbers. */
    public AdamWConfig {
        memory("beta1", beta1);
        memory("beta2", beta2);
        Check.notNegative("adamW: epsilon", epsilon);
        Check.notNegative("adamW: decay", decay);
        Check.positive("adamW: rate factor", rateFactor);
    }

    private static void memory(String name, double beta) {
        if (!(beta >= 0 && beta < 1)) {
            throw new IllegalArgumentException("adamW: " + name + " must be at least 0 and below 1 but is " + beta);
        }
    }

    /** {@return the settings of DeepSeek-V4: β 0.9 and 0.95, ε 1e-20, decay 0.1} */
    public static AdamWConfig deepSeek() {
        return new AdamWConfig(0.9, 0.95, 1e-20, 0.1, 1);
    }

    /** {@return the settings most frameworks start with: β 0.9 and 0.999, ε 1e-8, decay 0.01} */
    public static AdamWConfig standard() {
        return new AdamWConfig(0.9, 0.999, 1e-8, 0.01, 1);
    }

    /**
     * The same with another decay.
     *
     * @param value weight decay per unit of learning rate
     * @return a new configuration
     */
    public AdamWConfig withDecay(double value) {
        return new AdamWConfig(beta1, beta2, epsilon, value, rateFactor);
    }

    /**
     * The same with another epsilon.
     *
     * @param value added to the root of the mean square
     * @return a new configuration
     */
    public AdamWConfig withEpsilon(double value) {
        return new AdamWConfig(beta1, beta2, value, decay, rateFactor);
    }

    /**
     * The same with another learning-rate factor.
     *
     * @param value multiplies the learning rate
     * @return a new configuration
     */
    public AdamWConfig withRateFactor(double value) {
        return new AdamWConfig(beta1, beta2, epsilon, decay, value);
    }

    /**
     * Builds the optimiser.
     *
     * @param parameters what it updates; state parameters are left out
     * @return the optimiser
     */
    public AdamW init(ParameterMap parameters) {
        return new AdamW(this, parameters.learned());
    }
}
