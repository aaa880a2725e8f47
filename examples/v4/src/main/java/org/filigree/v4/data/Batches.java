package org.filigree.v4.data;

/**
 * Training batches, as a pure function of seed and step: no state to save, and a resumed run goes on as if it had never
 * stopped.
 *
 * <p>Each window starts at a position drawn uniformly, independently of all others, and the stream is a ring: the end
 * is followed by the start. So every token is drawn equally often, and a stream shorter than a window is enough.
 */
public final class Batches {
    private static final int START = 0;
    private static final int SHAPE = 1;

    private final TokenStream stream;
    private final BatchConfig config;

    /**
     * Batches of a stream.
     *
     * @param stream training files
     * @param config shape, share of fill-in-the-middle windows, and seed
     */
    public Batches(TokenStream stream, BatchConfig config) {
        this.stream = stream;
        this.config = config;
    }

    /**
     * The shape and seed of these batches.
     *
     * @return the configuration
     */
    public BatchConfig config() {
        return config;
    }

    /**
     * The batch of one step.
     *
     * @param step step number, or number of the micro-batch where gradients are accumulated
     * @return ids [batch, length + 1]
     */
    public TokenWindows at(long step) {
        int width = config.length() + 1;
        int[] ids = new int[Math.multiplyExact(config.batch(), width)];
        int[] window = new int[width];
        for (int row = 0; row < config.batch(); row++) {
            read(window, CounterRandom.below(stream.length(), CounterRandom.at(config.seed(), step, row, START)));
            long shape = CounterRandom.at(config.seed(), step, row, SHAPE);
            int[] shaped = CounterRandom.fraction(shape) < config.fillInTheMiddleShare()
                    ? FillInTheMiddle.reorder(window, shape)
                    : window;
            System.arraycopy(shaped, 0, ids, row * width, width);
        }
        return new TokenWindows(config.batch(), config.length(), ids);
    }

    private void read(int[] window, long start) {
        int position = (int) start;
        for (int i = 0; i < window.length; i++) {
            window[i] = stream.id(position);
            if (++position == stream.length()) position = 0;
        }
    }
}
