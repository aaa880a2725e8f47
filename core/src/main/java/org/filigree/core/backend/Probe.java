package org.filigree.core.backend;

/** What a backend can say about this machine before any of it is loaded. */
public sealed interface Probe {
    /**
     * It would work.
     *
     * @param detail how it would compute, in a few words
     */
    record Usable(String detail) implements Probe {}

    /**
     * It would not work here.
     *
     * @param reason what is missing, and what to type to get it
     */
    record Unusable(String reason) implements Probe {}
}
