package org.filigree.attention.compressed;

import static org.filigree.core.op.Select.select;
import static org.filigree.core.op.Slice.slice;

import org.filigree.attention.TopBlocks;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * The entries among which later layers choose, as numbers of blocks: a mask would be as large as all scores.
 *
 * @param rule which made the choice
 * @param numbers of blocks, INT32 [batch, queries, blocks], −1 for none
 */
record CandidateBlocks(TopBlocks rule, Tensor numbers) {
    /** Scores [batch, to − from, entries] of some queries, −∞ for what is no candidate. */
    Tensor masked(Tensor scores, int from, int to) {
        Tensor mask = rule.mask(slice(numbers, 1, from, to), scores.dim(2));
        Tensor lowest = Backend.of(scores).tensors().full(Shape.of(), Double.NEGATIVE_INFINITY);
        return select(mask, scores, lowest);
    }

    /** A choice [batch, queries, chosen] without what is no candidate: where fewer candidates are than places, these stay empty. */
    Tensor only(Tensor chosen) {
        int[] entries = chosen.toInts();
        int[] blocks = numbers.toInts();
        int places = chosen.dim(2);
        int each = numbers.dim(2);
        for (int i = 0; i < entries.length; i++) {
            if (entries[i] >= 0 && !isAmong(blocks, i / places * each, each, entries[i] / rule.width())) {
                entries[i] = -1;
            }
        }
        return Backend.of(chosen).tensors().ints(chosen.shape(), entries);
    }

    private static boolean isAmong(int[] blocks, int from, int count, int block) {
        for (int i = from; i < from + count; i++) {
            if (blocks[i] == block) {
                return true;
            }
        }
        return false;
    }
}
