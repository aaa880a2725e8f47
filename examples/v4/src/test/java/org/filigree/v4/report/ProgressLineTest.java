package org.filigree.v4.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
    private static final long SECOND = 1_000_000_000L;

    private final StringWriter text = new StringWriter();
    private final PrintWriter out = new PrintWriter(text, true);
    private long now = -5 * SECOND;

    @Test
    void printsALineEveryFiveSecondsAndTheLastOne() {
        try (ProgressLine line = line(ProgressMode.LINES, 0, 0, 100)) {
            for (int step = 1; step <= 100; step++) {
                now += SECOND / 10;
                line.update(step, step * 1000L, 2);
            }
        }
        List<String> lines = printed().lines().toList();
        assertEquals(3, lines.size(), lines::toString);
        assertEquals("[..........]    1/100  loss 2.000 (2.89 bits)  10.0k tokens/s  0:10 left", lines.get(0));
        assertEquals("[#####.....]   51/100  loss 2.000 (2.89 bits)  10.0k tokens/s  0:05 left", lines.get(1));
        assertEquals("[##########]  100/100  loss 2.000 (2.89 bits)  10.0k tokens/s  0:00 left", lines.get(2));
    }

    @Test
    void redrawsInPlaceAndMakesRoomForOtherLines() {
        try (ProgressLine line = line(ProgressMode.IN_PLACE, 0, 0, 4000)) {
            now += SECOND;
            line.update(1, 500, 12.5);
            now += SECOND;
            line.update(2, 1000, 9.5);
            line.say("checkpoint");
            now += 2 * SECOND;
            line.update(4, 2_000_000_000L, 9.5);
        }
        String first = "[..........]     1/4000  loss 12.500 (18.03 bits)  500 tokens/s  1:06:39 left";
        String second = "[..........]     2/4000  loss 9.500 (13.71 bits)  500 tokens/s  1:06:38 left";
        String third = "[..........]     4/4000  loss 9.500 (13.71 bits)  500.0M tokens/s  1:06:36 left";
        String gone = "\r" + " ".repeat(second.length()) + "\r";
        String end = System.lineSeparator();
        assertEquals(
                "\r" + first + "\r" + second + " ".repeat(first.length() - second.length()) + gone + "checkpoint" + end
                        + "\r" + third + end,
                printed());
    }

    @Test
    void countsFromWhereARunResumes() {
        try (ProgressLine line = line(ProgressMode.LINES, 500, 500_000, 1000)) {
            now += 10 * SECOND;
            line.update(510, 510_000, 1);
        }
        assertTrue(printed().contains(" 510/1000 "), printed());
        assertTrue(printed().contains(" 1.0k tokens/s  8:10 left"), printed());
    }

    @Test
    void forgetsSpeedsOfLongAgo() {
        try (ProgressLine line = line(ProgressMode.LINES, 0, 0, 1000)) {
            now += 60 * SECOND;
            line.update(1, 100, 1);
            for (int step = 2; step <= 30; step++) {
                now += SECOND;
                line.update(step, step * 100L, 1);
            }
        }
        String last = printed().lines().toList().getLast();
        assertTrue(last.contains(" 100 tokens/s "), last);
    }

    private ProgressLine line(ProgressMode mode, long step, long tokens, long total) {
        return new ProgressLine(out, mode, step, tokens, total, () -> now);
    }

    private String printed() {
        return text.toString();
    }
}
