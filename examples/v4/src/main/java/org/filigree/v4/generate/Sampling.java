package org.filigree.v4.generate;

import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;

/**
 * How the next token is chosen.
 *
 * @param temperature divides the logits; 0 takes the likeliest token always
 */
public record Sampling(double temperature) {
    /** Checks the number. */
    public Sampling {
        Check.notNegative("sampling: temperature", temperature);
    }

    /** {@return always the likeliest token, the lower id at a tie} */
    public static Sampling greedy() {
        return new Sampling(0);
    }

    /**
     * Sampling at a temperature.
     *
     * @param temperature 0 for the likeliest token, 1 for the model's own distribution
     * @return the rule
     */
    public static Sampling of(double temperature) {
        return new Sampling(temperature);
    }

    /**
     * Chooses a token.
     *
     * @param logits one a token
     * @param allowed tokens below this id may be chosen, and {@code stop}
     * @param stop one more token that may be chosen
     * @param random source of chance
     * @return its id
     */
    int choose(float[] logits, int allowed, int stop, RandomStream random) {
        int best = stop;
        for (int id = allowed - 1; id >= 0; id--) {
            if (logits[id] >= logits[best]) {
                best = id;
            }
        }
        if (temperature == 0) {
            return best;
        }
        double[] weights = new double[allowed + 1];
        double total = 0;
        for (int i = 0; i <= allowed; i++) {
            int id = i < allowed ? i : stop;
            weights[i] = Math.exp((logits[id] - logits[best]) / temperature);
            total += weights[i];
        }
        double point = random.nextDouble() * total;
        for (int i = 0; i < allowed; i++) {
            point -= weights[i];
            if (point < 0) {
                return i;
            }
        }
        return stop;
    }
}
