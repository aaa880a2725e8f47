package org.filigree.kvcache;

import java.util.Collections;
import java.util.List;
import org.filigree.core.tensor.Check;

/**
 * Sizes of a pool of blocks. A block holds the rows of {@code blockTokens} adjoining tokens in all layers.
 *
 * @param blocks how many blocks
 * @param blockTokens tokens in a block; sequences share whole blocks, and 64 is what the released kernels read
 * @param layers what every layer's rows consist of and how they are stored, first layer first
 */
public record BlockPoolConfig(int blocks, int blockTokens, List<RowStorage> layers) {
    /** Checks the sizes. */
    public BlockPoolConfig {
        Check.positive("block pool: blocks", blocks);
        Check.positive("block pool: tokens in a block", blockTokens);
        layers = List.copyOf(layers);
        Check.positive("block pool: layers", layers.size());
    }

    /**
     * Blocks of 64 tokens, layers that are all alike.
     *
     * @param blocks how many blocks
     * @param layers how many layers
     * @param storage of each
     * @return the configuration
     */
    public static BlockPoolConfig of(int blocks, int layers, RowStorage storage) {
        Check.positive("block pool: layers", layers);
        return new BlockPoolConfig(blocks, RowMemory.PAGE_ROWS, Collections.nCopies(layers, storage));
    }

    /**
     * The same with other blocks.
     *
     * @param tokens tokens in a block
     * @return a new configuration
     */
    public BlockPoolConfig withBlockTokens(int tokens) {
        return new BlockPoolConfig(blocks, tokens, layers);
    }

    /** {@return bytes of one block in all layers, what rounds up pages included} */
    public long bytesPerBlock() {
        return layers.stream()
                .flatMap(layer -> layer.planes().stream())
                .mapToLong(plane -> plane.format().pageBytes(blockTokens))
                .sum();
    }

    /**
     * Reserves the blocks.
     *
     * @return the pool, which the caller closes
     * @throws KvCacheException if the memory cannot be had; nothing stays reserved then
     */
    public BlockPool init() {
        return new BlockPool(this);
    }
}
