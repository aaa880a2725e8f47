package org.filigree.core.optim;

import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Check;

/**
 * Constants of Muon as in the DeepSeek-V4 report.
 *
 * @param momentum μ, memory of the gradient
 * @param decay weight decay per unit of learning rate
 * @param updateRms root mean square of an orthogonal update per unit of learning rate
 */
public record MuonConfig(double momentum, double decay, double updateRms) {
    /** Checks the numbers. */
    public MuonConfig {
        Check.between("muon: momentum", momentum, 0, 1);
        Check.notNegative("muon: decay", decay);
        Check.positive("muon: update rms", updateRms);
    }

    /** {@return the settings of the V4 report: μ 0.95, decay 0.1, update RMS 0.18} */
    public static MuonConfig deepSeek() {
        return new MuonConfig(0.95, 0.1, 0.18);
    }

    /**
     * The same with another decay.
     *
     * @param value weight decay per unit of learning rate
     * @return a new configuration
     */
    public MuonConfig withDecay(double value) {
        return new MuonConfig(momentum, value, updateRms);
    }

    /**
     * The same with another momentum.
     *
     * @param value memory of the gradient
     * @return a new configuration
     */
    public MuonConfig withMomentum(double value) {
        return new MuonConfig(value, decay, updateRms);
    }

    /**
     * Builds the optimiser.
     *
     * @param parameters matrices [rows, cols], or stacks of them [count, rows, cols]; state parameters are left out
     * @return the optimiser
     */
    public Muon init(ParameterMap parameters) {
        return new Muon(this, parameters.learned());
    }
}
