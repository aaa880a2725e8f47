package org.filigree.v4.context;

/**
 * What a step takes at one length, by parts; medians in seconds.
 *
 * @param tokens length of the context
 * @param index scores of all keys
 * @param select the largest of them
 * @param attend attention over the chosen, whose rows come from wherever they are: at a long context, from memory
 * @param again attention over the same rows at once again, which then lie in the processor's caches
 * @param bytes that the cache holds for the context
 */
public record ContextTiming(int tokens, double index, double select, double attend, double again, long bytes) {
    /** {@return all parts together} */
    public double step() {
        return index + select + attend;
    }
}
