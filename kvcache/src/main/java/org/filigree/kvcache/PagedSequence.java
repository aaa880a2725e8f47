package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.filigree.core.tensor.Tensor;

/**
 * One sequence in a {@link BlockPool}: a table of blocks for all layers, and a {@link KvCache} handle for each layer. Threads may share it;
 * calls wait for each other.
 */
public final class PagedSequence implements AutoCloseable {
    private final BlockPool pool;
    private final int capacity;
    private final Edition edition = new Edition();
    private final SequenceCache caches;
    private final int[] lengths;
    /** Replaced when it changes, never written to: readers and forks share it. */
    private int[] table;

    private boolean closed;

    PagedSequence(BlockPool pool, int capacity, int[] table, int[] lengths) {
        this.pool = pool;
        this.capacity = capacity;
        this.table = table;
        this.lengths = lengths;
        var layers = new ArrayList<KvCache>();
        for (int layer = 0; layer < lengths.length; layer++) {
            layers.add(new PagedKvCache(this, layer, pool.layer(layer).storage().layout()));
        }
        this.caches = SequenceCache.midway(layers);
    }

    /** {@return the handles of all layers; closing them closes the sequence} */
    public SequenceCache caches() {
        return caches;
    }

    /**
     * The handle of one layer.
     *
     * @param layer number of the layer, from 0
     * @return its cache
     * @throws KvCacheException if there is no such layer
     */
    public KvCache layer(int layer) {
        return caches.layer(layer);
    }

    /** {@return the longest sequence, in tokens} */
    public int capacity() {
        return capacity;
    }

    /** {@return the number of tokens that every layer holds: the position of the next token} */
    public synchronized int length() {
        requireOpen("length");
        return Arrays.stream(lengths).min().orElseThrow();
    }

    /** {@return its blocks in order, a copy: token t lies in block t / tokens-in-a-block of this table} */
    public synchronized int[] table() {
        requireOpen("table");
        return table.clone();
    }

    /**
     * Forgets every token from a length on, in all layers, and gives back the blocks behind it.
     *
     * @param length tokens to keep, 0…{@link #length}
     * @throws KvCacheException if a layer holds fewer; then no layer changes
     */
    public synchronized void truncate(int length) {
        requireOpen("truncate");
        AppendCheck.length(length, length());
        keep(IntStream.range(0, lengths.length).map(_ -> length).toArray());
    }

    /**
     * Another sequence with the same tokens, which shares every block until one of the two writes into it.
     *
     * @return the sequence, which the caller closes
     * @throws KvCacheException if it is closed
     */
    public synchronized PagedSequence fork() {
        requireOpen("fork");
        return pool.hold(capacity, table, lengths.clone());
    }

    /**
     * Lets later sequences find the rows of its first tokens, in whole blocks. Where another sequence has published the same tokens
     * before, its blocks are shared from now on and this sequence's own are given back: what is common is stored once.
     *
     * @param tokenIds ids of the first tokens, the very ones that the rows were computed from
     * @throws KvCacheException if there are more ids than tokens, or it is closed
     * @throws IllegalArgumentException if one of its blocks was published before with other ids; nothing changes then
     */
    public synchronized void publish(int[] tokenIds) {
        requireOpen("publish");
        if (tokenIds.length > length()) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "publish: " + tokenIds.length + " token ids but only " + length()
                            + " tokens in all layers; publish what was appended to every layer");
        }
        int blocks = tokenIds.length / pool.config().blockTokens();
        int[] published = pool.publish(tokenIds, table, blocks);
        int[] replaced = IntStream.range(0, blocks)
                .filter(i -> published[i] != table[i])
                .map(i -> table[i])
                .toArray();
        if (replaced.length > 0) {
            edition.supersede();
            int[] swapped = table.clone();
            System.arraycopy(published, 0, swapped, 0, blocks);
            table = swapped;
            pool.release(replaced, 0, replaced.length);
        }
    }

    synchronized int length(int layer) {
        requireOpen("length");
        return lengths[layer];
    }

    synchronized void append(int layer, List<Tensor> parts) {
        requireOpen("append");
        RowMemory memory = pool.layer(layer);
        int length = lengths[layer];
        int rows = AppendCheck.rows(memory.storage().layout(), length, capacity, parts);
        if (rows == 0) {
            return;
        }
        makeWritable(length, length + rows);
        memory.write(slots(), length, parts, 0, rows);
        lengths[layer] += rows;
    }

    /** Blocks of these tokens that are not there are taken, and those that others see too are copied; all or nothing. */
    private void makeWritable(int from, int to) {
        int blockTokens = pool.config().blockTokens();
        int[] shared = IntStream.range(from / blockTokens, Math.min(table.length, pool.blocksFor(to)))
                .filter(i -> pool.isShared(table[i]))
                .toArray();
        int more = Math.max(0, pool.blocksFor(to) - table.length);
        if (shared.length + more == 0) {
            return;
        }
        int[] taken = pool.take(shared.length + more);
        if (shared.length > 0) {
            edition.supersede();
        }
        int[] longer = Arrays.copyOf(table, table.length + more);
        System.arraycopy(taken, shared.length, longer, table.length, more);
        int[] replaced = new int[shared.length];
        for (int i = 0; i < shared.length; i++) {
            replaced[i] = table[shared[i]];
            pool.copy(replaced[i], taken[i]);
            longer[shared[i]] = taken[i];
        }
        table = longer;
        pool.release(replaced, 0, replaced.length);
    }

    synchronized void truncate(int layer, int kept) {
        requireOpen("truncate");
        AppendCheck.length(kept, lengths[layer]);
        int[] shorter = lengths.clone();
        shorter[layer] = kept;
        keep(shorter);
    }

    private void keep(int[] shorter) {
        if (Arrays.equals(shorter, lengths)) {
            return;
        }
        edition.supersede();
        System.arraycopy(shorter, 0, lengths, 0, lengths.length);
        int blocks = pool.blocksFor(Arrays.stream(lengths).max().orElseThrow());
        int[] before = table;
        table = Arrays.copyOf(before, Math.min(blocks, before.length));
        pool.release(before, table.length, before.length);
    }

    synchronized CacheRows rows(int layer, String... parts) {
        requireOpen("rows");
        return new MappedRows(pool.layer(layer), slots(), lengths[layer], edition, parts);
    }

    RowStorage storage(int layer) {
        return pool.layer(layer).storage();
    }

    synchronized void restore(int layer, SavedRows rows) {
        requireOpen("snapshot restore");
        SavedRows.requireEmpty(lengths[layer]);
        makeWritable(0, rows.length());
        rows.copyTo(pool.layer(layer), slots(), 0);
        lengths[layer] = rows.length();
    }

    synchronized String describe(int layer) {
        return closed
                ? "closed"
                : lengths[layer] + " of " + capacity + " rows, " + memory(layer).reservedBytes() + " bytes";
    }

    private Slots slots() {
        return Slots.paged(table, pool.config().blockTokens());
    }

    synchronized CacheMemory memory(int layer) {
        if (closed) {
            return CacheMemory.NONE;
        }
        RowStorage storage = pool.layer(layer).storage();
        long block = storage.planes().stream()
                .mapToLong(plane -> plane.format().pageBytes(pool.config().blockTokens()))
                .sum();
        return new CacheMemory(block * table.length, (long) storage.bytesPerRow() * lengths[layer]);
    }

    private void requireOpen(String operation) {
        if (closed) {
            throw ClosedCache.refusal(operation, "the paged sequence, by itself or with its pool,");
        }
    }

    /** Lets go of every block; closing twice is harmless. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        edition.supersede();
        pool.release(table, 0, table.length);
        pool.forget(this);
        table = new int[0];
        Arrays.fill(lengths, 0);
    }

    @Override
    public synchronized String toString() {
        if (closed) {
            return "PagedSequence{closed}";
        }
        int least = Arrays.stream(lengths).min().orElseThrow();
        int most = Arrays.stream(lengths).max().orElseThrow();
        return "PagedSequence{" + (least == most ? "" : least + "…") + most + " of " + capacity + " tokens, "
                + lengths.length + (lengths.length == 1 ? " layer, " : " layers, ") + table.length + " blocks of "
                + pool.config().blockTokens() + "}";
    }
}
