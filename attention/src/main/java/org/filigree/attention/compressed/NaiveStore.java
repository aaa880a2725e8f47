package org.filigree.attention.compressed;

/** What becomes of a row by being stored: plain loops that ask it see what a cache shows. */
@FunctionalInterface
interface NaiveStore {
    /** Nothing is rounded. */
    NaiveStore EXACT = (_, row) -> row;

    /** A row of a part, as it is read again. */
    double[] stored(String part, double[] row);

    /** All rows of a part. */
    default double[][] stored(String part, double[][] rows) {
        double[][] read = new double[rows.length][];
        for (int r = 0; r < rows.length; r++) {
            read[r] = stored(part, rows[r]);
        }
        return read;
    }
}
