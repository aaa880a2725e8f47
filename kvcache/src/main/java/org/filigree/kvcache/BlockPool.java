package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.filigree.core.tensor.Check;

/**
 * Blocks of rows that many sequences share. A sequence holds a table of blocks and takes one when it grows past the last; blocks count
 * their holders. Sequences that {@linkplain PagedSequence#fork fork} share all blocks, those that begin with the same published tokens
 * share the blocks of these; the first one that writes into a shared block gets a copy. A published block that nobody holds stays, to be
 * found by the next sequence that begins with its tokens, until its memory is needed.
 *
 * <p>A pool may be used by several threads, each with its own sequences or with shared ones. Closing it closes its sequences.
 */
public final class BlockPool implements AutoCloseable {
    private final BlockPoolConfig config;
    private final List<RowMemory> layers;
    private final int[] holders;
    private final int[] free;
    private int freeCount;
    /** Blocks that their only holder is writing to, not under the pool's lock. */
    private final BitSet beingWritten = new BitSet();

    private final PrefixTree prefixes;
    private final Set<PagedSequence> open = new LinkedHashSet<>();
    private boolean closed;

    BlockPool(BlockPoolConfig config) {
        this.config = config;
        this.layers = reserve(config);
        this.holders = new int[config.blocks()];
        this.free = new int[config.blocks()];
        this.prefixes = new PrefixTree(config.blockTokens());
        for (int i = 0; i < free.length; i++) {
            free[i] = free.length - 1 - i;
        }
        this.freeCount = free.length;
    }

    private static List<RowMemory> reserve(BlockPoolConfig config) {
        var reserved = new ArrayList<RowMemory>();
        try {
            for (RowStorage storage : config.layers()) {
                reserved.add(RowMemory.reserve(
                        storage, (long) config.blocks() * config.blockTokens(), config.blockTokens()));
            }
        } catch (KvCacheException failure) {
            reserved.forEach(RowMemory::close);
            throw failure;
        }
        return List.copyOf(reserved);
    }

    /** {@return its sizes} */
    public BlockPoolConfig config() {
        return config;
    }

    /**
     * An empty sequence.
     *
     * @param capacity longest sequence, in tokens; takes no block yet
     * @return the sequence, which the caller closes
     * @throws KvCacheException if the pool is closed
     */
    public PagedSequence sequence(int capacity) {
        return sequence(capacity, new int[0]);
    }

    /**
     * A sequence that begins with what is there already of some tokens: the longest published prefix in whole blocks. Its length says how
     * many tokens that is; the caller computes the rest. Leave the last id out where its output is wanted.
     *
     * @param capacity longest sequence, in tokens
     * @param tokenIds ids of the tokens it will begin with
     * @return the sequence, which the caller closes
     * @throws KvCacheException if the prefix is longer than the capacity, or the pool is closed
     */
    public synchronized PagedSequence sequence(int capacity, int[] tokenIds) {
        requireOpen("sequence");
        int[] found =
                prefixes.match(tokenIds).stream().mapToInt(Integer::intValue).toArray();
        return hold(capacity, found, found.length * config.blockTokens());
    }

    /**
     * A sequence over blocks that other sequences hold, for a scheduler that keeps block tables of its own. They must hold them, and not
     * truncate, from when the table was made until this call returns: the pool sees blocks that are free or being written to, but not that
     * one was given back and taken by another sequence since. {@link PagedSequence#fork} needs no such care.
     *
     * @param capacity longest sequence, in tokens
     * @param table blocks in order, as many as the length needs, none of them twice
     * @param length tokens, the same in all layers
     * @return the sequence, which the caller closes
     * @throws KvCacheException if a block is not of this pool, holds nothing, is named twice or being written to, the table does not fit
     *     the length, or the pool is closed
     */
    public synchronized PagedSequence sequence(int capacity, int[] table, int length) {
        requireOpen("sequence");
        Check.notNegative("sequence: length", length);
        if (table.length != blocksFor(length)) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "sequence: " + length + " tokens in blocks of " + config.blockTokens() + " need "
                            + blocksFor(length) + " blocks but the table has " + table.length
                            + "; give the table of the sequence up to that length");
        }
        BitSet named = new BitSet(config.blocks());
        for (int block : table) {
            if (block < 0 || block >= config.blocks() || (holders[block] == 0 && !prefixes.contains(block))) {
                throw new KvCacheException(
                        KvCacheException.Reason.FOREIGN_BLOCK,
                        "sequence: block " + block + " of the table " + Arrays.toString(table)
                                + (block < 0 || block >= config.blocks()
                                        ? " is none of the " + config.blocks() + " blocks of this pool, numbers 0…"
                                                + (config.blocks() - 1)
                                        : " is free and holds nothing; list blocks while the sequence that holds them"
                                                + " is open"));
            }
            if (named.get(block)) {
                throw new KvCacheException(
                        KvCacheException.Reason.FOREIGN_BLOCK,
                        "sequence: the table " + Arrays.toString(table) + " names block " + block
                                + " twice, but a block holds the rows of one run of tokens; give each run its own");
            }
            named.set(block);
            if (beingWritten.get(block)) {
                throw new KvCacheException(
                        KvCacheException.Reason.FOREIGN_BLOCK,
                        "sequence: block " + block + " of the table " + Arrays.toString(table)
                                + " is being written to by the sequence that holds it; wait until its append returns,"
                                + " or fork the sequence");
            }
        }
        return hold(capacity, table.clone(), length);
    }

    private PagedSequence hold(int capacity, int[] table, int length) {
        Check.positive("sequence: capacity", capacity);
        if (length > capacity) {
            throw new KvCacheException(
                    KvCacheException.Reason.EXHAUSTED,
                    "sequence: " + length + " tokens to begin with exceed the capacity of " + capacity
                            + "; give the sequence a larger one, or begin with fewer token ids");
        }
        int[] lengths = new int[layers.size()];
        Arrays.fill(lengths, length);
        return hold(capacity, table, lengths);
    }

    /** Takes hold of every block of a table, which nobody changes from now on. */
    synchronized PagedSequence hold(int capacity, int[] table, int[] lengths) {
        requireOpen("sequence");
        for (int block : table) {
            if (holders[block]++ == 0) {
                prefixes.referenced(block);
            }
        }
        PagedSequence sequence = new PagedSequence(this, capacity, table, lengths);
        open.add(sequence);
        return sequence;
    }

    /** Lets the holder of these blocks write to them, or to copies of those that others see too, and to so many more. */
    synchronized BlockWrite write(int[] held, int more) {
        int[] shared = IntStream.range(0, held.length)
                .filter(i -> holders[held[i]] > 1 || prefixes.contains(held[i]))
                .toArray();
        int[] taken = shared.length + more == 0 ? new int[0] : take(shared.length + more);
        int[] written = held.clone();
        for (int i = 0; i < shared.length; i++) {
            written[shared[i]] = taken[i];
        }
        var write = new BlockWrite(this, held, written, Arrays.copyOfRange(taken, shared.length, taken.length));
        Arrays.stream(written).forEach(beingWritten::set);
        Arrays.stream(taken).forEach(beingWritten::set);
        return write;
    }

    synchronized void written(int[] blocks) {
        Arrays.stream(blocks).forEach(beingWritten::clear);
    }

    /** Blocks that nobody holds, all or none; what is only remembered is forgotten as far as needed. */
    private int[] take(int count) {
        requireOpen("append");
        if (count > freeCount + prefixes.unreferenced()) {
            throw new KvCacheException(
                    KvCacheException.Reason.EXHAUSTED,
                    "append: " + count + " more blocks of " + config.blockTokens() + " tokens are needed, but of "
                            + config.blocks() + " blocks " + freeCount + " are free and " + prefixes.unreferenced()
                            + " only remembered; close or truncate sequences, or make the pool larger");
        }
        int[] taken = new int[count];
        for (int i = 0; i < count; i++) {
            if (freeCount == 0) {
                prefixes.evict().forEach(this::free);
            }
            taken[i] = free[--freeCount];
            holders[taken[i]] = 1;
        }
        return taken;
    }

    synchronized void release(int[] table, int from, int to) {
        for (int i = to - 1; i >= from; i--) {
            release(table[i]);
        }
    }

    private void release(int block) {
        if (--holders[block] > 0) {
            return;
        }
        if (prefixes.contains(block)) {
            prefixes.released(block);
        } else {
            free(block);
        }
    }

    private void free(int block) {
        free[freeCount++] = block;
    }

    /** Publishes the first blocks of a table and gives the blocks that hold their tokens from now on; the caller swaps them in. */
    synchronized int[] publish(int[] tokenIds, int[] table, int blocks) {
        requireOpen("publish");
        int[] published = prefixes.publish(tokenIds, table, blocks);
        for (int i = 0; i < blocks; i++) {
            if (published[i] != table[i] && holders[published[i]]++ == 0) {
                prefixes.referenced(published[i]);
            }
        }
        return published;
    }

    synchronized void forget(PagedSequence sequence) {
        open.remove(sequence);
    }

    void copy(int from, int to) {
        layers.forEach(layer -> layer.copyPage(from, to));
    }

    RowMemory layer(int layer) {
        return layers.get(layer);
    }

    int blocksFor(int tokens) {
        return Math.ceilDiv(tokens, config.blockTokens());
    }

    /** {@return what its blocks are used for; all zero once closed} */
    public synchronized PoolMemory memory() {
        if (closed) {
            return new PoolMemory(0, 0, 0, 0, 0);
        }
        int cached = prefixes.unreferenced();
        return new PoolMemory(
                layers.stream().mapToLong(RowMemory::bytes).sum(),
                config.blocks(),
                config.blocks() - freeCount - cached,
                cached,
                freeCount);
    }

    private void requireOpen(String operation) {
        if (closed) {
            throw new KvCacheException(
                    KvCacheException.Reason.CLOSED,
                    operation + ": the block pool is closed and its rows are gone; close it after its sequences");
        }
    }

    /** Closes its sequences and releases the memory; closing twice is harmless. */
    @Override
    public void close() {
        List<PagedSequence> remaining;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            remaining = List.copyOf(open);
        }
        // Not under the pool's lock: a sequence locks itself first and the pool after.
        remaining.forEach(PagedSequence::close);
        layers.forEach(RowMemory::close);
    }

    @Override
    public String toString() {
        PoolMemory memory = memory();
        return "BlockPool{"
                + (memory.blocks() == 0
                        ? "closed"
                        : memory.blocks() + " blocks of " + config.blockTokens() + " tokens in " + layers.size()
                                + (layers.size() == 1 ? " layer, " : " layers, ") + memory.referenced() + " held, "
                                + memory.cached() + " remembered, " + memory.free() + " free, " + memory.reservedBytes()
                                + " bytes")
                + "}";
    }
}
