package org.filigree.core.random;

import java.util.Objects;

/**
 * A reproducible stream of random numbers with a name. Word {@code i} of a stream is a pure function of its 128-bit
 * key and {@code i} (Philox4x32-10; 64 key bits key the bijection, 64 are the upper half of its counter), so the same
 * seed and the same names give the same numbers on every machine, and {@link #state()} is small.
 *
 * <p>{@link #fork(String) Forking} depends on the key and the child's name alone, never on how much was drawn: give
 * every layer, worker and data source its own fork, and none of them disturbs another.
 *
 * <p>A stream advances as it is drawn from and is not safe for use by several threads; fork one per thread. Not for
 * cryptography.
 *
 * {@snippet :
 * var random = RandomStream.of(42);
 * float[] weights = new float[64 * 64];
 * random.fork("attention").fork("wq").fillGaussian(weights, 0f, 0.02f);
 * }
 */
public final class RandomStream {
    private static final double DOUBLE_STEP = 0x1p-53;
    private static final float FLOAT_STEP = 0x1p-24f;
    private static final int WORDS = 4;

    private final StreamKey key;
    private final int[] block = new int[WORDS];
    private long position;
    private double pendingGaussian;

    private RandomStream(StreamKey key, long position, double pendingGaussian) {
        this.key = key;
        this.position = position;
        this.pendingGaussian = pendingGaussian;
        if (position % WORDS != 0) {
            loadBlock();
        }
    }

    /**
     * The root stream of a seed.
     *
     * @param seed any value; neighbouring seeds give unrelated streams
     * @return a stream at its beginning
     */
    public static RandomStream of(long seed) {
        return new RandomStream(StreamKey.ofSeed(seed), 0, Double.NaN);
    }

    /**
     * A stream that continues exactly where the one that gave {@code state} stood.
     *
     * @param state taken by {@link #state()}
     * @return a stream whose draws continue bitwise
     */
    public static RandomStream restore(State state) {
        return new RandomStream(
                new StreamKey(state.keyHigh(), state.keyLow()), state.position(), state.pendingGaussian());
    }

    /**
     * The child stream of that name, at its beginning. Two calls with one name give equal streams.
     *
     * @param name any text, for instance a parameter's path
     * @return a stream unrelated to this one and to children of other names
     */
    public RandomStream fork(String name) {
        return new RandomStream(key.child(name), 0, Double.NaN);
    }

    /**
     * The child stream of that number, at its beginning; unrelated to the child named by the number's digits.
     *
     * @param index any value, for instance a step, a layer or a worker
     * @return a stream unrelated to this one and to children of other numbers
     */
    public RandomStream fork(long index) {
        return new RandomStream(key.child(index), 0, Double.NaN);
    }

    /**
     * Where this stream stands, for a checkpoint.
     *
     * @return key, position, and the second half of a Gaussian pair if one is waiting
     */
    public State state() {
        return new State(key.high(), key.low(), position, pendingGaussian);
    }

    /**
     * All 2<sup>32</sup> values equally likely. Takes one word of the stream.
     *
     * @return the next word
     */
    public int nextInt() {
        int lane = (int) (position % WORDS);
        if (lane == 0) {
            loadBlock();
        }
        position++;
        return block[lane];
    }

    /**
     * Uniform in [0, bound), without bias: Lemire's multiply-and-reject.
     *
     * @param bound positive
     * @return a value in [0, bound)
     * @throws IllegalArgumentException if bound is not positive
     */
    public int nextInt(int bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("nextInt: bound is " + bound + " but must be positive");
        }
        long product = (nextInt() & 0xFFFFFFFFL) * bound;
        if ((product & 0xFFFFFFFFL) < bound) {
            long threshold = (1L << 32) % bound;
            while ((product & 0xFFFFFFFFL) < threshold) {
                product = (nextInt() & 0xFFFFFFFFL) * bound;
            }
        }
        return (int) (product >>> 32);
    }

    /**
     * All 2<sup>64</sup> values equally likely. Takes two words of the stream, the lower half first.
     *
     * @return the next two words
     */
    public long nextLong() {
        long low = nextInt() & 0xFFFFFFFFL;
        return ((long) nextInt() << 32) | low;
    }

    /**
     * Uniform in [0, bound), without bias: Lemire's multiply-and-reject.
     *
     * @param bound positive
     * @return a value in [0, bound)
     * @throws IllegalArgumentException if bound is not positive
     */
    public long nextLong(long bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("nextLong: bound is " + bound + " but must be positive");
        }
        long draw = nextLong();
        if (Long.compareUnsigned(draw * bound, bound) < 0) {
            long threshold = Long.remainderUnsigned(-bound, bound);
            while (Long.compareUnsigned(draw * bound, threshold) < 0) {
                draw = nextLong();
            }
        }
        return Math.unsignedMultiplyHigh(draw, bound);
    }

    /**
     * Uniform over the multiples of 2<sup>-24</sup> in [0, 1). Takes one word.
     *
     * @return a value in [0, 1)
     */
    public float nextFloat() {
        return (nextInt() >>> 8) * FLOAT_STEP;
    }

    /**
     * Uniform over the multiples of 2<sup>-53</sup> in [0, 1). Takes two words.
     *
     * @return a value in [0, 1)
     */
    public double nextDouble() {
        return (nextLong() >>> 11) * DOUBLE_STEP;
    }

    /**
     * Normal with mean 0 and standard deviation 1, by Marsaglia's polar method: for (u, v) uniform in the unit disc
     * and s = u² + v², u √(−2 ln s / s) and v √(−2 ln s / s) are independent. The second waits for the next call.
     * Only {@link StrictMath} is involved, so the value is the same on every platform.
     *
     * @return the next Gaussian
     */
    public double nextGaussian() {
        if (!Double.isNaN(pendingGaussian)) {
            double second = pendingGaussian;
            pendingGaussian = Double.NaN;
            return second;
        }
        while (true) {
            double u = 2 * nextDouble() - 1;
            double v = 2 * nextDouble() - 1;
            double s = u * u + v * v;
            if (s < 1 && s > 0) {
                double radius = StrictMath.sqrt(-2 * StrictMath.log(s) / s);
                pendingGaussian = v * radius;
                return u * radius;
            }
        }
    }

    /**
     * Fills with standard normal values, as that many calls of {@link #nextGaussian()} would.
     *
     * @param values overwritten
     */
    public void fillGaussian(float[] values) {
        fillGaussian(values, 0, values.length, 0f, 1f);
    }

    /**
     * Fills with normal values, as that many calls of {@link #nextGaussian()} would.
     *
     * @param values overwritten
     * @param mean   centre
     * @param deviation standard deviation
     */
    public void fillGaussian(float[] values, float mean, float deviation) {
        fillGaussian(values, 0, values.length, mean, deviation);
    }

    /**
     * Fills a range with normal values. Filling in pieces gives the same values as filling at once.
     *
     * @param values overwritten from {@code from} on
     * @param from   first index
     * @param length how many
     * @param mean   centre
     * @param deviation standard deviation
     * @throws IndexOutOfBoundsException if the range is not inside {@code values}
     */
    public void fillGaussian(float[] values, int from, int length, float mean, float deviation) {
        Objects.checkFromIndexSize(from, length, values.length);
        for (int i = from; i < from + length; i++) {
            values[i] = (float) (mean + deviation * nextGaussian());
        }
    }

    /**
     * Fills a range uniformly over [low, high).
     *
     * @param values overwritten from {@code from} on
     * @param from   first index
     * @param length how many
     * @param low    least value
     * @param high   bound above; may be reached where rounding to float reaches it
     * @throws IndexOutOfBoundsException if the range is not inside {@code values}
     */
    public void fillUniform(float[] values, int from, int length, float low, float high) {
        Objects.checkFromIndexSize(from, length, values.length);
        for (int i = from; i < from + length; i++) {
            values[i] = low + (high - low) * nextFloat();
        }
    }

    /**
     * A uniformly random order of 0 … n−1 (Fisher–Yates, from the end).
     *
     * @param n how many; 0 is allowed
     * @return a new array holding every number once
     * @throws IllegalArgumentException if n is negative
     */
    public int[] permutation(int n) {
        if (n < 0) {
            throw new IllegalArgumentException("permutation: n is " + n + " but must not be negative");
        }
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        for (int i = n - 1; i > 0; i--) {
            int j = nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }

    private void loadBlock() {
        long counter = position / WORDS;
        Philox.block(
                (int) counter,
                (int) (counter >>> 32),
                (int) key.high(),
                (int) (key.high() >>> 32),
                (int) key.low(),
                (int) (key.low() >>> 32),
                block);
    }

    /**
     * A stream's place, complete: a stream {@linkplain RandomStream#restore restored} from it continues bitwise.
     *
     * @param keyHigh upper half of the key
     * @param keyLow  lower half of the key
     * @param position 32-bit words drawn so far; not negative
     * @param pendingGaussian the second of a pair of Gaussians, or NaN if none waits
     */
    public record State(long keyHigh, long keyLow, long position, double pendingGaussian) {
        /** Refuses a negative position. */
        public State {
            if (position < 0) {
                throw new IllegalArgumentException(
                        "RandomStream.State: position is " + position + " but must not be negative");
            }
        }

        /**
         * The state as four integers, for checkpoints that hold only numbers.
         *
         * @return key high, key low, position, and the bits of the pending Gaussian
         */
        public long[] toLongs() {
            return new long[] {keyHigh, keyLow, position, Double.doubleToLongBits(pendingGaussian)};
        }

        /**
         * The inverse of {@link #toLongs()}.
         *
         * @param longs four integers
         * @return the state they describe
         * @throws IllegalArgumentException if there are not four, or the position is negative
         */
        public static State ofLongs(long[] longs) {
            if (longs.length != 4) {
                throw new IllegalArgumentException("RandomStream.State: needs 4 integers but got " + longs.length);
            }
            return new State(longs[0], longs[1], longs[2], Double.longBitsToDouble(longs[3]));
        }
    }
}
