package org.filigree.v4.context;

/**
 * What a step takes at one length, by parts; medians in seconds.
 *
 * @param tokens length of the context
 * @param index scores of all keys
 * @param select the largest of them
 * @param attend attention over the chosen
 * @param bytes that the cache holds for the context
 */
public record ContextTiming(int tokens, double index, double select, double attend, long bytes) {
    /** {@return all parts together} */
    public double step() {
        return index + select + attend;
    }
}
