package org.filigree.core.backend.vector;

/** The tiles of one strip of columns of C, from top to bottom, with the edges that no whole tile fits. */
final class TileColumn {
    private TileColumn() {}

    /**
     * C[rows, columns] from packed tiles of A and one strip of B.
     *
     * @param columns columns that exist; where fewer than {@link TileKernel#STRIP}, {@code b} must be a zero-padded copy
     * @param edge room for {@link TileKernel#TILE_FLOATS}
     */
    static void multiply(
            int rows,
            int columns,
            int k,
            float[] tiles,
            int tilesOff,
            float[] b,
            int bOff,
            int bStride,
            float[] c,
            int cOff,
            int ldc,
            Update update,
            float[] edge) {
        int height;
        for (int i = 0; i < rows; i += height) {
            height = TileKernel.height(rows - i);
            int present = Math.min(height, rows - i);
            int tile = tilesOff + i * k;
            int target = cOff + i * ldc;
            if (columns == TileKernel.STRIP && present == height) {
                TileKernel.run(height, k, tiles, tile, b, bOff, bStride, c, target, ldc, update);
            } else {
                edgeTile(height, present, columns, k, tiles, tile, b, bOff, bStride, c, target, ldc, update, edge);
            }
        }
    }

    private static void edgeTile(
            int height,
            int rows,
            int columns,
            int k,
            float[] tiles,
            int tile,
            float[] b,
            int bOff,
            int bStride,
            float[] c,
            int cOff,
            int ldc,
            Update update,
            float[] edge) {
        int stride = TileKernel.STRIP;
        if (update == Update.ACCUMULATE) {
            // The edge starts from C like a whole tile does, so that an element's rounding does not depend on its
            // place.
            for (int i = 0; i < rows; i++) {
                System.arraycopy(c, cOff + i * ldc, edge, i * stride, columns);
            }
        }
        TileKernel.run(height, k, tiles, tile, b, bOff, bStride, edge, 0, stride, update);
        for (int i = 0; i < rows; i++) {
            System.arraycopy(edge, i * stride, c, cOff + i * ldc, columns);
        }
    }
}
