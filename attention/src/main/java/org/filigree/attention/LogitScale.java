package org.filigree.attention;

import org.filigree.core.nn.Frequencies;
import org.filigree.core.tensor.Check;

/** The factor between the product of query and key and the logit. */
public sealed interface LogitScale {
    /**
     * The factor.
     *
     * @param width channels of a query
     * @param frequencies of the rotary embedding
     * @return the factor
     */
    double of(int width, Frequencies frequencies);

    /** width^−½. */
    record InverseRoot() implements LogitScale {
        @Override
        public double of(int width, Frequencies frequencies) {
            return 1 / Math.sqrt(width);
        }
    }

    /**
     * width^−½·m², m = 0.1·strength·ln(factor) + 1, with YaRN's factor: DeepSeek-V3 and V3.2. Under plain frequencies the factor
     * is 1, and so is m.
     *
     * @param strength {@code mscale_all_dim} of released configurations
     */
    record YarnSquared(double strength) implements LogitScale {
        /** Checks the strength. */
        public YarnSquared {
            Check.notNegative("logit scale: strength", strength);
        }

        @Override
        public double of(int width, Frequencies frequencies) {
            double factor = switch (frequencies) {
                case Frequencies.Plain _ -> 1;
                case Frequencies.Yarn yarn -> yarn.factor();
            };
            double m = 0.1 * strength * Math.log(Math.max(1, factor)) + 1;
            return m * m / Math.sqrt(width);
        }
    }
}
