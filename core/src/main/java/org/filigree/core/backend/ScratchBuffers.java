package org.filigree.core.backend;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Float buffers that kernels borrow and give back, so that packing an operand neither allocates nor clears memory on
 * every call. Contents are whatever the last borrower left. Safe for any number of threads; a buffer that is not given
 * back (after an exception, say) is merely lost to the garbage collector.
 */
public final class ScratchBuffers {
    /** Buffers kept at rest; more than the loops in flight at once seldom need. */
    private static final int SLOTS = 16;

    private static final int SMALLEST = 1 << 12;

    private final AtomicReferenceArray<float[]> resting = new AtomicReferenceArray<>(SLOTS);

    ScratchBuffers() {}

    /**
     * Borrows a buffer.
     *
     * @param length floats needed, at least 0
     * @return a buffer of at least that length with arbitrary contents
     */
    public float[] borrow(int length) {
        for (int slot = 0; slot < SLOTS; slot++) {
            float[] buffer = resting.get(slot);
            if (buffer != null && buffer.length >= length && resting.compareAndSet(slot, buffer, null)) {
                return buffer;
            }
        }
        // Powers of two let the buffers of growing problems be used again by the smaller ones.
        int rounded = Math.max(SMALLEST, Integer.highestOneBit(Math.max(1, length - 1)) << 1);
        return new float[Math.max(length, rounded)];
    }

    /**
     * Gives a borrowed buffer back. When every slot is taken, the smallest resting buffer makes room.
     *
     * @param buffer a buffer from {@link #borrow}, not used by the caller from now on
     */
    public void giveBack(float[] buffer) {
        int smallest = -1;
        int smallestLength = buffer.length;
        for (int slot = 0; slot < SLOTS; slot++) {
            float[] other = resting.get(slot);
            if (other == null) {
                if (resting.compareAndSet(slot, null, buffer)) {
                    return;
                }
            } else if (other.length < smallestLength) {
                smallest = slot;
                smallestLength = other.length;
            }
        }
        if (smallest >= 0) {
            resting.set(smallest, buffer);
        }
    }
}
