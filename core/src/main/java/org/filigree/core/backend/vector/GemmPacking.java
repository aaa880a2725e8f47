package org.filigree.core.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.filigree.core.backend.MatrixProduct.Form;

/**
 * Copies of operand blocks in the order in which {@link TileKernel} reads them. A block of A becomes tiles of
 * {@code height} rows, k-major; a block of B becomes strips of {@link TileKernel#STRIP} columns, k-major. What lies past
 * the edge of the operand is zero, so the kernel never looks at an edge.
 */
final class GemmPacking {
    private static final VectorSpecies<Float> SPECIES = TileKernel.SPECIES;
    private static final VectorSpecies<Float> QUARTET = FloatVector.SPECIES_128;
    private static final int LANES = TileKernel.LANES;
    private static final int STRIP = TileKernel.STRIP;

    /** Rows of A packed at once where they run across the tiles: three cache lines, each read once. */
    private static final int FOUR_TALL_TILES = 48;

    private GemmPacking() {}

    /** Rows of A with the padding of its last tile. */
    static int paddedRows(int rows) {
        int whole = rows / TileKernel.TALLEST * TileKernel.TALLEST;
        return whole == rows ? rows : whole + TileKernel.height(rows - whole);
    }

    /** Columns of B with the padding of the last strip. */
    static int paddedColumns(int columns) {
        return Math.ceilDiv(columns, STRIP) * STRIP;
    }

    /** Packs rows {@code from <= i < to} of a block of A that has {@code rows} rows; {@code from} begins a tile. */
    static void tiles(
            Form form, int from, int to, int rows, int k, float[] a, int aOff, int lda, float[] tiles, int tilesOff) {
        int height;
        int first = from;
        if (form == Form.LEFT_TRANSPOSED && TileKernel.TALLEST == 12) {
            for (; first + FOUR_TALL_TILES <= to; first += FOUR_TALL_TILES) {
                fourTallTiles(k, a, aOff + first, lda, tiles, tilesOff + first * k);
            }
        }
        for (int i = first; i < to; i += height) {
            height = TileKernel.height(rows - i);
            int present = Math.min(height, rows - i);
            if (form == Form.LEFT_TRANSPOSED) {
                acrossK(present, height, k, a, aOff + i, lda, tiles, tilesOff + i * k);
            } else {
                alongK(present, height, k, a, aOff + i * lda, lda, tiles, tilesOff + i * k);
            }
        }
    }

    /** Packs columns {@code from <= j < to} of a block of B; {@code from} begins a strip. */
    static void strips(
            Form form, int from, int to, int k, float[] b, int bOff, int ldb, float[] strips, int stripsOff) {
        for (int j = from; j < to; j += STRIP) {
            int present = Math.min(STRIP, to - j);
            if (form == Form.RIGHT_TRANSPOSED) {
                alongK(present, STRIP, k, b, bOff + j * ldb, ldb, strips, stripsOff + j * k);
            } else {
                acrossK(present, STRIP, k, b, bOff + j, ldb, strips, stripsOff + j * k);
            }
        }
    }

    /** Packs source rows that run along k (A of NN, rows of A; B of NT, columns of B) into panels of {@code width}. */
    static void alongK(int present, int width, int k, float[] from, int off, int ld, float[] to, int toOff) {
        int row = 0;
        for (; row + TransposeKernel.ROWS <= present; row += TransposeKernel.ROWS) {
            TransposeKernel.fourRows(k, from, off + row * ld, ld, to, toOff + row, width);
        }
        for (; row < present; row++) {
            int source = off + row * ld;
            for (int p = 0; p < k; p++) {
                to[toOff + row + p * width] = from[source + p];
            }
        }
        for (; row < width; row++) {
            for (int p = 0; p < k; p++) {
                to[toOff + row + p * width] = 0f;
            }
        }
    }

    /** Packs source rows that run across a panel (A of TN, B of NN and TN): k short copies. */
    static void acrossK(int present, int width, int k, float[] from, int off, int ld, float[] to, int toOff) {
        if (present == STRIP) {
            wholeStrip(k, from, off, ld, to, toOff);
            return;
        }
        if (present == width) {
            wholeTile(width, k, from, off, ld, to, toOff);
            return;
        }
        for (int p = 0; p < k; p++) {
            int target = toOff + p * width;
            System.arraycopy(from, off + p * ld, to, target, present);
            Arrays.fill(to, target + present, target + width, 0f);
        }
    }

    private static void wholeStrip(int k, float[] from, int off, int ld, float[] to, int toOff) {
        for (int p = 0; p < k; p++) {
            int source = off + p * ld;
            int target = toOff + p * STRIP;
            FloatVector.fromArray(SPECIES, from, source).intoArray(to, target);
            FloatVector.fromArray(SPECIES, from, source + LANES).intoArray(to, target + LANES);
        }
    }

    /**
     * Packs four tiles of twelve rows. Written out: a loop over the quartets, once inlined into its callers, was compiled to
     * code four times as slow.
     */
    private static void fourTallTiles(int k, float[] from, int off, int ld, float[] to, int toOff) {
        int tile = 12 * k;
        for (int p = 0; p < k; p++) {
            int source = off + p * ld;
            int first = toOff + p * 12;
            int second = first + tile;
            int third = second + tile;
            int fourth = third + tile;
            FloatVector.fromArray(QUARTET, from, source).intoArray(to, first);
            FloatVector.fromArray(QUARTET, from, source + 4).intoArray(to, first + 4);
            FloatVector.fromArray(QUARTET, from, source + 8).intoArray(to, first + 8);
            FloatVector.fromArray(QUARTET, from, source + 12).intoArray(to, second);
            FloatVector.fromArray(QUARTET, from, source + 16).intoArray(to, second + 4);
            FloatVector.fromArray(QUARTET, from, source + 20).intoArray(to, second + 8);
            FloatVector.fromArray(QUARTET, from, source + 24).intoArray(to, third);
            FloatVector.fromArray(QUARTET, from, source + 28).intoArray(to, third + 4);
            FloatVector.fromArray(QUARTET, from, source + 32).intoArray(to, third + 8);
            FloatVector.fromArray(QUARTET, from, source + 36).intoArray(to, fourth);
            FloatVector.fromArray(QUARTET, from, source + 40).intoArray(to, fourth + 4);
            FloatVector.fromArray(QUARTET, from, source + 44).intoArray(to, fourth + 8);
        }
    }

    private static void wholeTile(int height, int k, float[] from, int off, int ld, float[] to, int toOff) {
        // One quartet of rows after another: a loop over the quartets inside would cost more than the copies.
        for (int i = 0; i < height; i += QUARTET.length()) {
            for (int p = 0; p < k; p++) {
                FloatVector.fromArray(QUARTET, from, off + p * ld + i).intoArray(to, toOff + p * height + i);
            }
        }
    }
}
