package org.filigree.kvcache;

/**
 * The memory account of a pool. Every block is referenced, cached or free.
 *
 * @param reservedBytes bytes it owns
 * @param blocks how many blocks there are
 * @param referenced blocks that sequences hold, each counted once however many share it
 * @param cached blocks that only the prefix tree remembers, and that are taken when others run out
 * @param free blocks that hold nothing
 */
public record PoolMemory(long reservedBytes, int blocks, int referenced, int cached, int free) {}
