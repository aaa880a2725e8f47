package org.filigree.kvcache;

/**
 * Where rows lie: row r is number n = first + r of the sequence, and lies in slot n, or n mod ring where slots are used again, or in page
 * table[n / pageRows] where pages are scattered. Slots count through all pages.
 *
 * @param first number of row 0
 * @param ring slots before they repeat, 0 if they do not
 * @param table page of every run of {@code pageRows} rows; empty if pages follow each other
 * @param pageRows rows in a page
 */
@SuppressWarnings("ArrayRecordComponent") // A snapshot of the page table, which nobody changes.
record Slots(int first, int ring, int[] table, int pageRows) {
    private static final int[] NONE = {};

    static Slots contiguous() {
        return new Slots(0, 0, NONE, 1);
    }

    static Slots ring(int first, int ring) {
        return new Slots(first, ring, NONE, 1);
    }

    static Slots paged(int[] table, int pageRows) {
        return new Slots(0, 0, table, pageRows);
    }

    long of(int row) {
        int number = first + row;
        if (table.length > 0) {
            return (long) table[number / pageRows] * pageRows + number % pageRows;
        }
        return ring > 0 ? number % ring : number;
    }

    /** The slots of rows from this one on. */
    void of(int row, int count, long[] out) {
        int done = 0;
        while (done < count) {
            long slot = of(row + done);
            int end = done + adjoining(row + done, count - done);
            while (done < end) {
                out[done++] = slot++;
            }
        }
    }

    /** How many rows from this one on lie in slots one behind the other, of at most so many. */
    int adjoining(int row, int most) {
        int number = first + row;
        if (table.length > 0) {
            return Math.min(most, pageRows - number % pageRows);
        }
        return ring > 0 ? Math.min(most, ring - number % ring) : most;
    }
}
