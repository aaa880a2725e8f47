package org.filigree.v4.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

class ChartProperties {
    @Property(tries = 200)
    void anAxisHoldsItsRangeBetweenFewRoundTicks(
            @ForAll @DoubleRange(min = -1e6, max = 1e6) double one,
            @ForAll @DoubleRange(min = -1e6, max = 1e6) double other,
            @ForAll @IntRange(min = 3, max = 12) int mostTicks) {
        double low = Math.min(one, other);
        double high = Math.max(one, other);
        Axis axis = Axis.around(low, high, mostTicks);
        double step = axis.step().doubleValue();
        assertTrue(axis.low() <= low + 1e-6 * step && axis.high() >= high - 1e-6 * step, axis::toString);
        double[] ticks = axis.ticks().toArray();
        assertTrue(ticks.length >= 2 && ticks.length <= mostTicks, axis::toString);
        assertEquals(
                ticks.length,
                Arrays.stream(ticks).mapToObj(axis::label).distinct().count());
        assertTrue("125".contains(axis.step().unscaledValue().toString().replace("0", "")), axis::toString);
        assertEquals(0, axis.fraction(ticks[0]), 1e-9);
        assertEquals(1, axis.fraction(ticks[ticks.length - 1]), 1e-9);
    }

    @Example
    void ticksOfCommonRanges() {
        assertArrayEquals(
                new double[] {0, 200, 400, 600, 800, 1000, 1200},
                Axis.around(0, 1200, 10).ticks().toArray());
        assertEquals("2.0", Axis.around(1.5, 4.5, 10).label(2));
        assertArrayEquals(
                new double[] {5, 6, 7, 8, 9, 10}, Axis.around(5, 5, 6).ticks().toArray());
    }

    @Property(tries = 50)
    void smoothingKeepsTheLevelAndTheLength(
            @ForAll @IntRange(min = 1, max = 400) int points, @ForAll @DoubleRange(min = -9, max = 9) double level) {
        double[] x = new double[points];
        double[] y = new double[points];
        Arrays.setAll(x, i -> i);
        Arrays.fill(y, level);
        Curve smooth = Curve.of("raw", x, y, CurveLook.FAINT).smoothed("smooth", CurveLook.STRONG);
        assertEquals(points, smooth.y().length);
        for (double value : smooth.y()) assertEquals(level, value, 1e-12 * points * 10);
    }

    @Property(tries = 50)
    void thinningKeepsTheMean(@ForAll @IntRange(min = 1, max = 5) int thousands) {
        int points = thousands * 1500;
        double[] x = new double[points];
        Arrays.setAll(x, i -> i);
        Curve thin = Curve.of("raw", x, x, CurveLook.FAINT).thinned();
        assertEquals(1500, thin.x().length);
        assertEquals((points - 1) / 2.0, Arrays.stream(thin.y()).average().orElseThrow(), 1e-6);
    }

    @Example
    void leavesOutWhatCannotBeDrawn() {
        Curve curve = Curve.of(
                "a", new double[] {1, 2, 3}, new double[] {5, Double.NaN, Double.POSITIVE_INFINITY}, CurveLook.FAINT);
        assertArrayEquals(new double[] {1}, curve.x());
        assertArrayEquals(new double[] {5}, curve.y());
    }
}
