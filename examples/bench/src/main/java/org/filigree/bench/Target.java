package org.filigree.bench;

/** What a row is meant to reach. */
sealed interface Target {
    /** The least ratio that meets the target. */
    double ratio();

    /** How many times as fast as the better form of the peer. */
    record TimesPeer(double ratio) implements Target {}

    /** Share of the fused multiply-add peak that one thread reaches. */
    record ShareOfPeak(double ratio) implements Target {}

    /** How many times as fast as one thread all threads are. */
    record TimesOneThread(double ratio) implements Target {}

    /** Share of the memory bandwidth of all threads. */
    record ShareOfBandwidth(double ratio) implements Target {}
}
