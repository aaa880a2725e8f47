package org.filigree.kvcache;

import org.filigree.core.tensor.Check;

/**
 * Rows rounded to bfloat16, nearest, ties to even: two bytes a number, little endian.
 *
 * @param width how many numbers a row has
 */
public record BFloat16Rows(int width) implements RowFormat {
    /** Checks the width. */
    public BFloat16Rows {
        Check.positive("bfloat16 rows: width", width);
    }

    @Override
    public int rowBytes() {
        return Math.multiplyExact(width, Short.BYTES);
    }

    @Override
    public int scaleBytes() {
        return 0;
    }

    @Override
    public int pageAlignment() {
        return 1;
    }
}
