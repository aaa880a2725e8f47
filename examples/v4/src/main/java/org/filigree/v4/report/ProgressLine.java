package org.filigree.v4.report;

import java.io.PrintWriter;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Step, loss, speed and time left of a training run, in fewer than 80 columns:
 *
 * <pre>{@code [####......]  812/2000  loss 1.412 (2.04 bits)  12.3k tokens/s  3:12 left}</pre>
 *
 * <p>Speed and time left are those of the last ten seconds, so the slow first steps of a cold virtual machine do not
 * linger in them. Not for use by several threads at once.
 */
public final class ProgressLine implements AutoCloseable {
    private static final int BAR = 10;
    private static final long SECOND = 1_000_000_000L;
    private static final long MEMORY = 10 * SECOND;
    private static final long REDRAW = SECOND / 10;
    private static final long NEXT_LINE = 5 * SECOND;

    private final PrintWriter out;
    private final ProgressMode mode;
    private final long totalSteps;
    private final LongSupplier nanoTime;
    private final Deque<Sample> recent = new ArrayDeque<>();
    private long lastShown;
    private int shownWidth;

    /**
     * Where the run was at a moment.
     *
     * @param nanos  the moment
     * @param step   steps done
     * @param tokens tokens done
     */
    private record Sample(long nanos, long step, long tokens) {}

    ProgressLine(PrintWriter out, ProgressMode mode, long step, long tokens, long totalSteps, LongSupplier nanoTime) {
        this.out = out;
        this.mode = mode;
        this.totalSteps = totalSteps;
        this.nanoTime = nanoTime;
        long now = nanoTime.getAsLong();
        lastShown = now - NEXT_LINE;
        recent.add(new Sample(now, step, tokens));
    }

    /**
     * A line for a run that starts or goes on now.
     *
     * @param out        where to print
     * @param mode       how to show it
     * @param step       steps already done, 0 for a new run
     * @param tokens     tokens already done
     * @param totalSteps steps at the end
     * @return the line, not shown yet
     */
    public static ProgressLine start(PrintWriter out, ProgressMode mode, long step, long tokens, long totalSteps) {
        return new ProgressLine(out, mode, step, tokens, totalSteps, System::nanoTime);
    }

    /**
     * Shows where the run is, unless it was shown a moment ago; the last step is always shown.
     *
     * @param step   steps done
     * @param tokens tokens done
     * @param loss   loss in nats per token
     */
    public void update(long step, long tokens, double loss) {
        long now = nanoTime.getAsLong();
        recent.addLast(new Sample(now, step, tokens));
        while (recent.size() > 2 && now - recent.getFirst().nanos() > MEMORY) recent.removeFirst();
        long pause = mode == ProgressMode.IN_PLACE ? REDRAW : NEXT_LINE;
        if (now - lastShown < pause && step < totalSteps) return;
        lastShown = now;
        show(line(step, loss));
    }

    /**
     * Prints a line of its own that stays, such as a validation result.
     *
     * @param text one line
     */
    public void say(String text) {
        clear();
        out.println(text);
        out.flush();
    }

    /** Ends the line, so that what is printed next begins on a new one. */
    @Override
    public void close() {
        if (shownWidth > 0) out.println();
        shownWidth = 0;
        out.flush();
    }

    private void show(String line) {
        if (mode == ProgressMode.LINES) {
            out.println(line);
        } else {
            out.print("\r" + line + " ".repeat(Math.max(0, shownWidth - line.length())));
            shownWidth = line.length();
        }
        out.flush();
    }

    private void clear() {
        if (shownWidth > 0) out.print("\r" + " ".repeat(shownWidth) + "\r");
        shownWidth = 0;
    }

    private String line(long step, double loss) {
        Sample first = recent.getFirst();
        Sample last = recent.getLast();
        double seconds = Math.max(1, last.nanos() - first.nanos()) / (double) SECOND;
        double stepsPerSecond = (last.step() - first.step()) / seconds;
        double tokensPerSecond = (last.tokens() - first.tokens()) / seconds;
        int filled = totalSteps == 0 ? BAR : Math.clamp(BAR * step / totalSteps, 0, BAR);
        String total = Long.toString(totalSteps);
        return String.format(
                Locale.ROOT,
                "[%s%s]  %" + total.length() + "d/%s  loss %.3f (%.2f bits)  %s tokens/s  %s left",
                "#".repeat(filled),
                ".".repeat(BAR - filled),
                step,
                total,
                loss,
                loss / Math.log(2),
                rate(tokensPerSecond),
                left(stepsPerSecond > 0 ? (totalSteps - step) / stepsPerSecond : Double.NaN));
    }

    private static String rate(double perSecond) {
        if (perSecond >= 1e6) return String.format(Locale.ROOT, "%.1fM", perSecond / 1e6);
        if (perSecond >= 1e3) return String.format(Locale.ROOT, "%.1fk", perSecond / 1e3);
        return String.format(Locale.ROOT, "%.0f", perSecond);
    }

    private static String left(double seconds) {
        if (Double.isNaN(seconds)) return "?";
        long whole = Math.round(seconds);
        return whole < 3600
                ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }
}
