package org.filigree.core.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.testkit.Thrown;
import org.junit.jupiter.api.Test;

class ScheduleTest {
    @Test
    void constantStays() {
        assertEquals(0.3, Schedule.constant(0.3).rate(0));
        assertEquals(0.3, Schedule.constant(0.3).rate(1L << 40));
        assertThrows(IllegalArgumentException.class, () -> Schedule.constant(0));
    }

    @Test
    void cosineWarmsUpPeaksAndEnds() {
        Schedule schedule = Schedule.cosine(1, 0.1, 4, 15);
        assertEquals(0.25, schedule.rate(0), 1e-12);
        assertEquals(1, schedule.rate(3), 1e-12);
        assertEquals(1, schedule.rate(4), 1e-12);
        assertEquals(0.55, schedule.rate(9), 1e-12);
        assertEquals(0.1, schedule.rate(14), 1e-12);
        assertEquals(0.1, schedule.rate(99), 1e-12);
    }

    @Test
    void linearFallsEvenly() {
        Schedule schedule = Schedule.linear(1, 0, 0, 5);
        assertEquals(1, schedule.rate(0), 1e-12);
        assertEquals(0.75, schedule.rate(1), 1e-12);
        assertEquals(0, schedule.rate(4), 1e-12);
    }

    @Test
    void aSingleStepAfterTheWarmUpHasThePeak() {
        for (int warmUp : new int[] {0, 4}) {
            Schedule schedule = Schedule.cosine(1, 0.1, warmUp, warmUp + 1);
            assertEquals(1, schedule.rate(warmUp), 1e-12);
            assertEquals(0.1, schedule.rate(warmUp + 1), 1e-12);
        }
        assertEquals(0.1, Schedule.linear(1, 0.1, 4, 4).rate(4), 1e-12);
    }

    @Property
    void ratesStayBetweenEndAndPeak(@ForAll @IntRange(max = 20) int warmUp, @ForAll @IntRange(max = 30) int more) {
        int steps = warmUp + more;
        for (Schedule schedule :
                new Schedule[] {Schedule.cosine(2, 0.5, warmUp, steps), Schedule.linear(2, 0.5, warmUp, steps)}) {
            for (int step = 0; step < steps + 3; step++) {
                double rate = schedule.rate(step);
                assertTrue(rate > 0 && rate <= 2, () -> "rate " + rate);
                assertTrue(step < warmUp || rate >= 0.5, () -> "rate " + rate);
            }
        }
    }

    @Test
    void refusesAWarmUpLongerThanTheRun() {
        assertEquals(
                "schedule: warm-up must be between 0 and 10 but is 11",
                Thrown.message(IllegalArgumentException.class, () -> Schedule.cosine(1, 0, 11, 10)));
    }
}
