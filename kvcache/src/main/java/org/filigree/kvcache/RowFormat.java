package org.filigree.kvcache;

/**
 * How a row of numbers lies in memory, byte by byte. Rows are kept in pages; a page of B rows begins with the data of its rows, one
 * behind the other, and may end with their scales, one row of scales behind the other.
 */
public sealed interface RowFormat permits Float32Rows, BFloat16Rows, TiledRows {
    /** {@return how many numbers a row has} */
    int width();

    /** {@return bytes from the data of a row to the data of the next} */
    int rowBytes();

    /** {@return bytes of a row's scales that lie behind all rows of the page; 0 if there are none or they lie in the row} */
    int scaleBytes();

    /** {@return pages begin at multiples of so many bytes} */
    int pageAlignment();

    /** {@return what the layout itself takes for a row, without what rounds a page up} */
    default int bytesPerRow() {
        return rowBytes() + scaleBytes();
    }

    /**
     * The bytes of a page.
     *
     * @param rows rows in a page
     * @return ⌈rows · {@link #bytesPerRow} / alignment⌉ · alignment
     */
    default long pageBytes(int rows) {
        long bytes = (long) rows * bytesPerRow();
        return (bytes + pageAlignment() - 1) / pageAlignment() * pageAlignment();
    }
}
