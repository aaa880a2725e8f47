package org.filigree.core.io;

/** How a group of E2M1 numbers is scaled. */
public enum Fp4Scale {
    /** A power of two per 32 elements: V4's and V4.1's indexer queries and keys, expert weights. */
    E8M0(32),
    /** An E4M3 number per 16 elements: V4.1's compressed keys and values. */
    E4M3(16);

    private final int group;

    Fp4Scale(int group) {
        this.group = group;
    }

    /**
     * Elements per scale.
     *
     * @return 32 or 16
     */
    public int group() {
        return group;
    }

    /**
     * The scale of a group.
     *
     * @param amax greatest magnitude of the group
     * @return the number to divide by
     */
    public float of(float amax) {
        return switch (this) {
            case E8M0 -> BlockScale.forE2M1(amax);
            case E4M3 -> BlockScale.forE2M1WithE4M3Scale(amax);
        };
    }
}
