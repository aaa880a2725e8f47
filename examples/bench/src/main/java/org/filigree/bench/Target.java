package org.filigree.bench;

import java.util.function.Function;
import org.filigree.core.backend.Backend;

/** What a row is meant to reach. */
sealed interface Target {
    /** The ratio that just meets the target. */
    double ratio();

    /** Whether a measured ratio meets the target. */
    default boolean metBy(double reached) {
        return reached >= ratio();
    }

    /** How many times as fast as the better form of the peer. */
    record TimesPeer(double ratio) implements Target {}

    /** Share of the fused multiply-add peak that one thread reaches. */
    record ShareOfPeak(double ratio) implements Target {}

    /** How many times as fast as one thread all threads are. */
    record TimesOneThread(double ratio) implements Target {}

    /** Share of the memory bandwidth of all threads. */
    record ShareOfBandwidth(double ratio) implements Target {}

    /**
     * How much longer than other work of ours, which takes turns with the row.
     *
     * @param ratio largest time over the other's time
     * @param name of the other work
     * @param setUp makes its operands, and gives it
     */
    record CostOver(double ratio, String name, Function<Backend, Work> setUp) implements Target {
        @Override
        public boolean metBy(double reached) {
            return reached <= ratio;
        }
    }
}
