package org.filigree.attention;

import static org.filigree.attention.TileProduct.HEIGHT;

import org.filigree.kvcache.CacheRows;

/** Index keys of one sequence, to be read a tile at a time. */
sealed interface IndexKeys {
    /**
     * Neighbouring keys in floats, one behind the other, with room for a whole number of {@link TileProduct#HEIGHT} keys.
     *
     * @param rows holds them
     * @param at where the first begins
     */
    @SuppressWarnings("ArrayRecordComponent") // Names a place in an array.
    record Tile(float[] rows, int at) {}

    /**
     * Some keys.
     *
     * @param first the first of them
     * @param count how many
     * @param room for a tile, used where keys do not lie in an array as a tile does
     * @return the tile, whose keys behind the last are arbitrary
     */
    Tile tile(int first, int count, float[] room);

    /**
     * Keys in an array.
     *
     * @param k holds them
     * @param at where key 0 begins
     * @param dim floats of a key
     */
    @SuppressWarnings("ArrayRecordComponent") // Operands of a kernel.
    record InArray(float[] k, int at, int dim) implements IndexKeys {
        /** A step of at most a cache line. */
        private static final int LINE = 16;

        @Override
        public Tile tile(int first, int count, float[] room) {
            int from = at + first * dim;
            if (count % HEIGHT != 0) {
                System.arraycopy(k, from, room, 0, count * dim);
                return new Tile(room, 0);
            }
            // Stored, or the compiler would drop the loads; nothing reads it.
            room[0] = touched(from, from + count * dim);
            return new Tile(k, from);
        }

        /**
         * Reads every cache line once: here misses overlap, where in the products each would stall the multiply-adds behind it.
         */
        private float touched(int from, int to) {
            float sum0 = 0;
            float sum1 = 0;
            float sum2 = 0;
            float sum3 = 0;
            int i = from;
            for (; i + 3 * LINE < to; i += 4 * LINE) {
                sum0 += k[i];
                sum1 += k[i + LINE];
                sum2 += k[i + 2 * LINE];
                sum3 += k[i + 3 * LINE];
            }
            for (; i < to; i += LINE) {
                sum0 += k[i];
            }
            return sum0 + sum1 + (sum2 + sum3);
        }
    }

    /**
     * Keys in a cache, widened a tile at a time: of the cache never more is there in floats than a tile for each thread.
     *
     * @param rows of the cache
     */
    record InCache(CacheRows rows) implements IndexKeys {
        @Override
        public Tile tile(int first, int count, float[] room) {
            rows.read(first, count, room, 0);
            return new Tile(room, 0);
        }
    }
}
