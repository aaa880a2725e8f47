package org.filigree.kvcache;

import java.util.Arrays;

/**
 * Blocks that one sequence alone may write to while this is open: its own, copies of those that others see too, and new ones. Closing it
 * gives back what is not needed: the originals once {@link #done}, else the copies and the new ones.
 */
final class BlockWrite implements AutoCloseable {
    private final BlockPool pool;
    private final int[] before;
    private final int[] written;
    private final int[] added;
    private boolean done;

    /** Blocks that the sequence holds; the same or copies in their place; new ones. */
    BlockWrite(BlockPool pool, int[] before, int[] written, int[] added) {
        this.pool = pool;
        this.before = before;
        this.written = written;
        this.added = added;
    }

    /** Puts what others see into the copies. */
    void copyShared() {
        for (int i = 0; i < before.length; i++) {
            if (isCopy(i)) {
                pool.copy(before[i], written[i]);
            }
        }
    }

    boolean copies() {
        for (int i = 0; i < before.length; i++) {
            if (isCopy(i)) {
                return true;
            }
        }
        return false;
    }

    private boolean isCopy(int i) {
        return before[i] != written[i];
    }

    /** The table of the sequence, with these blocks from a place on. */
    int[] table(int[] table, int from) {
        int[] changed = Arrays.copyOf(table, table.length + added.length);
        System.arraycopy(written, 0, changed, from, written.length);
        System.arraycopy(added, 0, changed, table.length, added.length);
        return changed;
    }

    /** Everything is written, and the sequence shows it. */
    void done() {
        done = true;
    }

    @Override
    public void close() {
        synchronized (pool) {
            pool.written(written);
            pool.written(added);
            int[] kept = done ? before : written;
            for (int i = written.length - 1; i >= 0; i--) {
                if (isCopy(i)) {
                    pool.release(kept, i, i + 1);
                }
            }
            if (!done) {
                pool.release(added, 0, added.length);
            }
        }
    }
}
