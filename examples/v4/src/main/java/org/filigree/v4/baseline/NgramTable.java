package org.filigree.v4.baseline;

/**
 * Counts of n-grams of one length, and for each of them how often anything follows it and how many different tokens do.
 * Open addressing with linear probing over primitive arrays: 20 bytes a slot, at most {@code 2^maxLogSlots} slots, of
 * which three fifths are used at most.
 */
final class NgramTable {
    /** Answer of {@link #find} and {@link #findOrAdd} for an n-gram that is not there, or has no room. */
    static final int NONE = -1;

    private static final long HASH = 0x9e3779b97f4a7c15L;
    private static final int FIRST_LOG_SLOTS = 10;

    private final int maxLogSlots;
    private int logSlots;
    private int used;

    /** N-gram plus one; zero is a free slot. */
    private long[] keys;

    private int[] counts;
    private int[] followers;
    private int[] followerTypes;

    NgramTable(int maxLogSlots) {
        this.maxLogSlots = maxLogSlots;
        logSlots = Math.min(FIRST_LOG_SLOTS, maxLogSlots);
        int slots = 1 << logSlots;
        keys = new long[slots];
        counts = new int[slots];
        followers = new int[slots];
        followerTypes = new int[slots];
    }

    int size() {
        return used;
    }

    int slots() {
        return keys.length;
    }

    boolean isUsed(int slot) {
        return keys[slot] != 0;
    }

    long ngram(int slot) {
        return keys[slot] - 1;
    }

    int count(int slot) {
        return counts[slot];
    }

    void add(int slot, int times) {
        counts[slot] += times;
    }

    int followers(int slot) {
        return followers[slot];
    }

    int followerTypes(int slot) {
        return followerTypes[slot];
    }

    void addFollower(int slot, int times) {
        followers[slot] += times;
        followerTypes[slot]++;
    }

    /** Slot of an n-gram, or {@link #NONE}. */
    int find(long ngram) {
        int slot = probe(keys, logSlots, ngram + 1);
        return keys[slot] == 0 ? NONE : slot;
    }

    /** Slot of an n-gram, which is added where there is room; else {@link #NONE}. May move every slot. */
    int findOrAdd(long ngram) {
        int slot = probe(keys, logSlots, ngram + 1);
        if (keys[slot] != 0) return slot;
        if (used >= (keys.length / 5) * 3) {
            if (logSlots == maxLogSlots) return NONE;
            grow();
            slot = probe(keys, logSlots, ngram + 1);
        }
        keys[slot] = ngram + 1;
        used++;
        return slot;
    }

    private void grow() {
        int grownLog = logSlots + 1;
        long[] grownKeys = new long[1 << grownLog];
        int[] moved = new int[keys.length];
        for (int slot = 0; slot < keys.length; slot++) {
            if (keys[slot] == 0) continue;
            moved[slot] = probe(grownKeys, grownLog, keys[slot]);
            grownKeys[moved[slot]] = keys[slot];
        }
        counts = move(counts, moved);
        followers = move(followers, moved);
        followerTypes = move(followerTypes, moved);
        keys = grownKeys;
        logSlots = grownLog;
    }

    private int[] move(int[] values, int[] moved) {
        int[] grown = new int[values.length * 2];
        for (int slot = 0; slot < values.length; slot++) {
            if (keys[slot] != 0) grown[moved[slot]] = values[slot];
        }
        return grown;
    }

    private static int probe(long[] keys, int logSlots, long key) {
        int mask = keys.length - 1;
        int slot = (int) ((key * HASH) >>> (Long.SIZE - logSlots));
        while (keys[slot] != 0 && keys[slot] != key) slot = (slot + 1) & mask;
        return slot;
    }
}
