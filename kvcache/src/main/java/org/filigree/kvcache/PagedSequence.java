package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
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
    /** Of each layer. */
    private final CacheEnd[] ends;
    /** Replaced when it changes, never written to: readers and forks share it. */
    private int[] table;

    private boolean closed;

    PagedSequence(BlockPool pool, int capacity, int[] table, int[] lengths) {
        this.pool = pool;
        this.capacity = capacity;
        this.table = table;
        this.ends = Arrays.stream(lengths)
                .mapToObj(length -> CacheEnd.start().grown(length))
                .toArray(CacheEnd[]::new);
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
        return Arrays.stream(lengths()).min().orElseThrow();
    }

    private int[] lengths() {
        return Arrays.stream(ends).mapToInt(CacheEnd::length).toArray();
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
        keep(IntStream.range(0, ends.length).map(_ -> length).toArray());
    }

    /**
     * Another sequence with the same tokens, which shares every block until one of the two writes into it. That one gets a copy of the
     * block, and views of its rows from before are {@link KvCacheException.Reason#STALE} then, of all its layers: ask for the rows
     * again after an append. Views of the other go on showing what they did, and so does every view if both go on in blocks of their own, as
     * they do where the tokens fill whole blocks. An {@link CacheEnd end} is that of one sequence: those of the fork are read from it.
     *
     * @return the sequence, which the caller closes
     * @throws KvCacheException if it is closed
     */
    public synchronized PagedSequence fork() {
        requireOpen("fork");
        return pool.hold(capacity, table, lengths());
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
        return ends[layer].length();
    }

    synchronized CacheEnd end(int layer) {
        requireOpen("end");
        return ends[layer];
    }

    synchronized CacheEnd append(int layer, CacheEnd expected, List<Tensor> parts) {
        requireOpen("append");
        expected.requireAppendable(ends[layer]);
        RowMemory memory = pool.layer(layer);
        int length = expected.length();
        int rows = AppendCheck.rows(memory.storage().layout(), length, capacity, parts);
        if (rows > 0) {
            write(length, length + rows, slots -> memory.write(slots, length, parts, 0, rows));
            ends[layer] = expected.grown(rows);
        }
        return ends[layer];
    }

    /**
     * Has tokens from…to written to blocks that nobody else sees: blocks that are not there are taken, and those that others see too are
     * copied. The table changes when everything is written; whatever fails before gives back what was taken.
     */
    private void write(int from, int to, Consumer<Slots> writer) {
        int blockTokens = pool.config().blockTokens();
        int[] touched = Arrays.copyOfRange(table, from / blockTokens, Math.min(table.length, pool.blocksFor(to)));
        try (BlockWrite blocks = pool.write(touched, Math.max(0, pool.blocksFor(to) - table.length))) {
            blocks.copyShared();
            int[] changed = blocks.table(table, from / blockTokens);
            writer.accept(Slots.paged(changed, blockTokens));
            if (blocks.copies()) {
                edition.supersede();
            }
            table = changed;
            blocks.done();
        }
    }

    synchronized List<Tensor> asStored(int layer, List<Tensor> parts) {
        requireOpen("asStored");
        return pool.layer(layer).storage().asStored(parts);
    }

    synchronized void truncate(int layer, int kept) {
        requireOpen("truncate");
        int[] shorter = lengths();
        AppendCheck.length(kept, shorter[layer]);
        shorter[layer] = kept;
        keep(shorter);
    }

    private void keep(int[] shorter) {
        if (Arrays.equals(shorter, lengths())) {
            return;
        }
        edition.supersede();
        for (int layer = 0; layer < ends.length; layer++) {
            ends[layer] = shorter[layer] < ends[layer].length() ? ends[layer].shortened(shorter[layer]) : ends[layer];
        }
        int blocks = pool.blocksFor(Arrays.stream(shorter).max().orElseThrow());
        int[] before = table;
        table = Arrays.copyOf(before, Math.min(blocks, before.length));
        pool.release(before, table.length, before.length);
    }

    synchronized CacheRows rows(int layer, String... parts) {
        requireOpen("rows");
        return rows(layer, ends[layer], parts);
    }

    synchronized CacheRows rows(int layer, CacheEnd wanted, String... parts) {
        requireOpen("rows");
        wanted.requireHeld(ends[layer]);
        Slots slots = Slots.paged(table, pool.config().blockTokens());
        return new MappedRows(pool.layer(layer), slots, wanted.length(), edition, parts);
    }

    RowStorage storage(int layer) {
        return pool.layer(layer).storage();
    }

    synchronized void restore(int layer, SavedRows rows) {
        requireOpen("snapshot restore");
        SavedRows.requireEmpty(ends[layer].length());
        write(0, rows.length(), slots -> rows.copyTo(pool.layer(layer), slots, 0));
        ends[layer] = ends[layer].grown(rows.length());
    }

    synchronized String describe(int layer) {
        return closed
                ? "closed"
                : ends[layer].length() + " of " + capacity + " rows, "
                        + memory(layer).reservedBytes() + " bytes";
    }

    synchronized CacheMemory memory(int layer) {
        if (closed) {
            return CacheMemory.NONE;
        }
        RowStorage storage = pool.layer(layer).storage();
        long block = storage.planes().stream()
                .mapToLong(plane -> plane.format().pageBytes(pool.config().blockTokens()))
                .sum();
        return new CacheMemory(block * table.length, (long) storage.bytesPerRow() * ends[layer].length());
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
    }

    @Override
    public synchronized String toString() {
        if (closed) {
            return "PagedSequence{closed}";
        }
        int[] lengths = lengths();
        int least = Arrays.stream(lengths).min().orElseThrow();
        int most = Arrays.stream(lengths).max().orElseThrow();
        return "PagedSequence{" + (least == most ? "" : least + "…") + most + " of " + capacity + " tokens, "
                + lengths.length + (lengths.length == 1 ? " layer, " : " layers, ") + table.length + " blocks of "
                + pool.config().blockTokens() + "}";
    }
}
