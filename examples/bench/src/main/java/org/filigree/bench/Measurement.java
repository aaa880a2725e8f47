package org.filigree.bench;

import java.util.Arrays;

/** The times of one piece of work, collected over all rounds of a run. */
final class Measurement {
    private double[] seconds = new double[64];
    private int count;

    void add(double time) {
        if (count == seconds.length) {
            seconds = Arrays.copyOf(seconds, 2 * count);
        }
        seconds[count++] = time;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** {@return the median in seconds} */
    double median() {
        if (count == 0) {
            throw new IllegalStateException("measurement: median of no times");
        }
        double[] sorted = Arrays.copyOf(seconds, count);
        Arrays.sort(sorted);
        return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
    }

    /** Runs the work at least three times, and until the time is spent. */
    void collect(double budgetSeconds, Runnable work) {
        long start = System.nanoTime();
        int runs = 0;
        do {
            long before = System.nanoTime();
            work.run();
            add((System.nanoTime() - before) * 1e-9);
            runs++;
        } while (runs < 3 || (System.nanoTime() - start) * 1e-9 < budgetSeconds);
    }
}
