package org.filigree.core.nn;

import org.filigree.core.tensor.Check;

/** The angular frequencies of rotary position embedding, one for each pair of channels. Computed in float32, like released models. */
public sealed interface Frequencies {
    /**
     * The angle per position of every pair.
     *
     * @param width rotated channels, even
     * @return width/2 frequencies
     */
    float[] of(int width);

    /**
     * f_i = base^(−2i/width).
     *
     * @param base θ, 10000 in most models
     */
    record Plain(double base) implements Frequencies {
        /** Checks the base. */
        public Plain {
            Check.positive("rotary: base", base);
        }

        @Override
        public float[] of(int width) {
            Check.divides("rotary: width", width, "two", 2);
            float[] frequencies = new float[width / 2];
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = 1f / (float) Math.pow(base, 2f * i / width);
            }
            return frequencies;
        }
    }

    /**
     * YaRN (Peng et al., 2023): pairs that turn often within the original context keep their frequency, pairs that turn seldom are
     * slowed by the factor, with a linear ramp between. Cosines and sines are not scaled by any attention factor.
     *
     * @param base θ
     * @param originalContext tokens the model was first trained on
     * @param factor how much longer the context became
     * @param betaFast turns from which a pair keeps its frequency
     * @param betaSlow turns below which a pair is slowed entirely
     */
    record Yarn(double base, int originalContext, double factor, double betaFast, double betaSlow)
            implements Frequencies {
        /** Checks the numbers. */
        public Yarn {
            Check.positive("yarn: base", base);
            Check.positive("yarn: original context", originalContext);
            Check.positive("yarn: factor", factor);
            Check.positive("yarn: beta fast", betaFast);
            Check.positive("yarn: beta slow", betaSlow);
        }

        /**
         * With the usual ramp from 32 turns to 1.
         *
         * @param base θ
         * @param originalContext tokens the model was first trained on
         * @param factor how much longer the context became
         * @return the frequencies
         */
        public static Yarn of(double base, int originalContext, double factor) {
            return new Yarn(base, originalContext, factor, 32, 1);
        }

        @Override
        public float[] of(int width) {
            float[] frequencies = new Plain(base).of(width);
            double low = Math.max(Math.floor(pairThatTurns(betaFast, width)), 0);
            double high = Math.min(Math.ceil(pairThatTurns(betaSlow, width)), width - 1);
            if (low == high) {
                high += 0.001;
            }
            for (int i = 0; i < frequencies.length; i++) {
                float ramp = Math.clamp((float) ((i - low) / (high - low)), 0f, 1f);
                float keep = 1 - ramp;
                frequencies[i] = frequencies[i] / (float) factor * (1 - keep) + frequencies[i] * keep;
            }
            return frequencies;
        }

        private double pairThatTurns(double turns, int width) {
            return width * Math.log(originalContext / (turns * 2 * Math.PI)) / (2 * Math.log(base));
        }
    }
}
