package org.filigree.kvcache;

import org.filigree.core.tensor.Check;

/**
 * Rows as they come: four bytes a number, little endian.
 *
 * @param width how many numbers a row has
 */
public record Float32Rows(int width) implements RowFormat {
    /** Checks the width. */
    public Float32Rows {
        Check.positive("float32 rows: width", width);
    }

    @Override
    public int rowBytes() {
        return Math.multiplyExact(width, Float.BYTES);
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
