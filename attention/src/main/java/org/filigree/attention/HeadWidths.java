package org.filigree.attention;

import org.filigree.core.tensor.Check;

/**
 * Widths of one attention head.
 *
 * @param content channels of queries and keys without position
 * @param rotary channels of queries and keys that are rotated by position, even; keys share them among all heads
 * @param value channels of values
 */
public record HeadWidths(int content, int rotary, int value) {
    /** Checks the widths. */
    public HeadWidths {
        Check.positive("head: content width", content);
        Check.positive("head: rotary width", rotary);
        Check.divides("head: rotary width", rotary, "two", 2);
        Check.positive("head: value width", value);
    }

    /** {@return channels of a query or key in all} */
    public int query() {
        return content + rotary;
    }
}
