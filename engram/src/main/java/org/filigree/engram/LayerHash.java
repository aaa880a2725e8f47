package org.filigree.engram;

import java.util.Arrays;
import java.util.List;

/**
 * The hash functions of one Engram layer. Over a window x₀ (the present token), x₁ (the one before) … of compressed ids,
 *
 * <pre>
 * mix = x₀·m₀ ⊕ x₁·m₁ ⊕ … over as many ids as the order says, in 64 bits
 * row = offset + mix mod p
 * </pre>
 *
 * with odd multipliers m of the layer and a prime p of each head. Products stay below 2⁶³, so that mixes are not negative.
 */
public final class LayerHash {
    private final int layer;
    private final int[] orders;
    private final int heads;
    private final long[] multipliers;
    private final int[] moduli;
    private final int[] offsets;
    private final int rows;

    LayerHash(int layer, List<Integer> orders, long[] multipliers, int[][] moduli) {
        this.layer = layer;
        this.orders = orders.stream().mapToInt(Integer::intValue).toArray();
        this.heads = moduli[0].length;
        this.multipliers = multipliers;
        this.moduli = Arrays.stream(moduli).flatMapToInt(Arrays::stream).toArray();
        this.offsets = new int[this.moduli.length];
        long total = 0;
        for (int c = 0; c < offsets.length; c++) {
            offsets[c] = (int) total;
            total += this.moduli[c];
        }
        if (total > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("engram: layer " + layer + " has " + total + " table rows in "
                    + offsets.length + " columns but row numbers end at 2^31 - 1; make rowsPerHead or heads smaller");
        }
        this.rows = (int) total;
    }

    /**
     * Multipliers of a layer: 2r + 1 with r uniform in [0, ⌊⌊(2⁶³−1)/V⌋/2⌋), by NumPy's generator of seed + 10007·layer.
     *
     * @param vocabulary number of compressed ids, V, below 2³⁰
     * @param count how many, the longest order
     * @param layer block number
     * @param seed of the model
     * @return odd numbers, each so small that no product with an id passes 2⁶³
     */
    static long[] multipliers(int vocabulary, int count, int layer, long seed) {
        NgramHashConfig.checkVocabulary(vocabulary);
        long half = Math.max(1, Long.MAX_VALUE / vocabulary / 2);
        var generator = new Pcg64(Math.addExact(seed, NgramHashConfig.SEED_STRIDE * layer));
        long[] multipliers = new long[count];
        for (int k = 0; k < count; k++) {
            multipliers[k] = 2 * generator.nextLong(half) + 1;
        }
        return multipliers;
    }

    /** Rows of one token, for a window that starts with the present token. */
    void rows(int[] window, int[] into, int at) {
        long mix = 0;
        int column = 0;
        int length = 0;
        for (int order : orders) {
            for (; length < order; length++) {
                mix ^= window[length] * multipliers[length];
            }
            for (int head = 0; head < heads; head++, column++) {
                into[at + column] = (int) (mix % moduli[column]) + offsets[column];
            }
        }
    }

    /** {@return the block number} */
    public int layer() {
        return layer;
    }

    /** {@return multipliers, that of the present token first, a copy} */
    public long[] multipliers() {
        return multipliers.clone();
    }

    /** {@return the modulus of every column, orders outermost, a copy} */
    public int[] moduli() {
        return moduli.clone();
    }

    /** {@return the first table row of every column, a copy} */
    public int[] offsets() {
        return offsets.clone();
    }

    /** {@return how many rows a token reads} */
    public int columns() {
        return moduli.length;
    }

    /** {@return how many rows the table has} */
    public int rows() {
        return rows;
    }

    @Override
    public String toString() {
        return "LayerHash{layer " + layer + ", " + columns() + " columns, " + rows + " rows}";
    }
}
