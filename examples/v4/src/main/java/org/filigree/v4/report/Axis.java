package org.filigree.v4.report;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * A range from tick to tick.
 *
 * @param first  value of the first tick, in units of {@code step}
 * @param last   value of the last tick, in units of {@code step}
 * @param step   distance of ticks: 1, 2 or 5 times a power of ten
 * @param labels what stands at a tick
 */
record Axis(long first, long last, BigDecimal step, Labels labels) {
    private static final int[] NICE = {1, 2, 5};

    /** Powers of ten that are still written out. */
    private static final int LONGEST = 3;

    /** What stands at a tick. */
    enum Labels {
        /** The value itself. */
        VALUES,
        /** Two to the value: the axis of a logarithm. */
        POWERS_OF_TWO,
        /** Ten to the value. */
        POWERS_OF_TEN
    }

    /** What a logarithm may miss a whole number by, and still count as that: the rounding of a gain of 1. */
    private static final double SLACK = 1e-3;

    /** An axis of logarithms, with ticks at whole numbers. */
    static Axis ofExponents(double low, double high, int mostTicks, Labels labels) {
        Axis values = around(
                Math.floor(low + SLACK), Math.max(Math.ceil(high - SLACK), Math.floor(low + SLACK) + 1), mostTicks);
        long step = Math.max(1, values.step.longValue());
        return new Axis(
                Math.floorDiv((long) Math.floor(values.low()), step),
                Math.ceilDiv((long) Math.ceil(values.high()), step),
                BigDecimal.valueOf(step),
                labels);
    }

    /** The finest axis that has the given range between its ends and at most as many ticks as given, at least 3. */
    static Axis around(double low, double high, int mostTicks) {
        if (low == high) return around(low, low + Math.max(1, Math.abs(low)), mostTicks);
        int exponent = (int) Math.floor(Math.log10((high - low) / mostTicks)) - 1;
        for (int i = 0; ; i++) {
            BigDecimal step = BigDecimal.valueOf(NICE[i % NICE.length]).scaleByPowerOfTen(exponent + i / NICE.length);
            long first = (long) Math.floor(low / step.doubleValue() + 1e-9);
            long last = Math.max(first + 1, (long) Math.ceil(high / step.doubleValue() - 1e-9));
            if (last - first < mostTicks) return new Axis(first, last, step, Labels.VALUES);
        }
    }

    double low() {
        return first * step.doubleValue();
    }

    double high() {
        return last * step.doubleValue();
    }

    DoubleStream ticks() {
        return IntStream.rangeClosed(0, (int) (last - first)).mapToDouble(i -> (first + i) * step.doubleValue());
    }

    /** A value with as many decimals as the distance of ticks has, or a power. */
    String label(double value) {
        return switch (labels) {
            case VALUES -> decimal(value);
            case POWERS_OF_TWO -> decimal(Math.pow(2, value));
            case POWERS_OF_TEN ->
                value >= 0 && value <= LONGEST ? decimal(Math.pow(10, value)) : "1e" + Math.round(value);
        };
    }

    private String decimal(double value) {
        return BigDecimal.valueOf(value)
                .setScale(Math.max(0, step.stripTrailingZeros().scale()), RoundingMode.HALF_EVEN)
                .toPlainString();
    }

    /** Where a value lies: 0 at the low end, 1 at the high end. */
    double fraction(double value) {
        return (value - low()) / (high() - low());
    }
}
