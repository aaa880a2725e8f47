package org.filigree.moe;

import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Tokens in order of their experts, without padding and without dropping any; within an expert in order of tokens.
 *
 * @param tokens INT32 [rows], which token a row holds
 * @param slots INT32 [rows], where in the flattened [tokens·k] routing the row stands
 * @param offsets INT32 [experts+1], first row of every expert, then the number of rows
 */
record Dispatch(Tensor tokens, Tensor slots, Tensor offsets) {
    /** A counting sort, so that a token's contributions are later added in ascending order of experts. */
    static Dispatch of(Tensor chosen, int experts) {
        int[] expert = chosen.toInts();
        int k = chosen.dim(1);
        int[] offsets = new int[experts + 1];
        for (int slot = 0; slot < expert.length; slot++) {
            int e = expert[slot];
            if (e < -1 || e >= experts) {
                throw new IndexOutOfBoundsException("moe: token " + slot / k + " is routed to expert " + e + " of "
                        + experts + "; a router must name experts from 0, or -1 for none");
            }
            if (e >= 0) {
                offsets[e + 1]++;
            }
        }
        for (int e = 0; e < experts; e++) {
            offsets[e + 1] += offsets[e];
        }
        int[] next = offsets.clone();
        int[] tokens = new int[offsets[experts]];
        int[] slots = new int[offsets[experts]];
        for (int slot = 0; slot < expert.length; slot++) {
            if (expert[slot] >= 0) {
                int row = next[expert[slot]]++;
                tokens[row] = slot / k;
                slots[row] = slot;
            }
        }
        var factory = Backend.of(chosen).tensors();
        Shape rows = Shape.of(tokens.length);
        return new Dispatch(
                factory.ints(rows, tokens), factory.ints(rows, slots), factory.ints(Shape.of(offsets.length), offsets));
    }
}
