package org.filigree.v4;

import java.util.List;
import org.filigree.core.tensor.Check;

/**
 * Sizes of the Engram memory.
 *
 * @param layers numbers of the blocks, from 0, before whose attention memory is read; may be empty
 * @param longest longest n-gram; all orders from 2 on are used
 * @param heads hash heads of an order
 * @param headWidth width of a table row
 * @param rows least rows of a head's table; the next free prime is taken
 */
public record MemorySizes(List<Integer> layers, int longest, int heads, int headWidth, int rows) {
    /** Checks the sizes and copies the list. */
    public MemorySizes {
        layers = List.copyOf(layers);
        Check.between("memory: longest", longest, 2, 16);
        Check.positive("memory: heads", heads);
        Check.positive("memory: head width", headWidth);
        Check.positive("memory: rows", rows);
    }

    /** {@return rows that a token reads in one layer} */
    public int columns() {
        return (longest - 1) * heads;
    }
}
