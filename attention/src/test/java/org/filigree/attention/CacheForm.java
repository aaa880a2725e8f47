package org.filigree.attention;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.BlockPool;
import org.filigree.kvcache.BlockPoolConfig;
import org.filigree.kvcache.CompressedKvCache;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.PagedSequence;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.SlidingKvCache;
import org.filigree.kvcache.SlidingWindow;

/**
 * The forms of a cache and what may have happened to it before it is read. Each appends drawn rows by their numbers, 0 to {@code rows} − 1
 * and {@link Drawn#OTHER others} that must not show, or must show in their place.
 */
enum CacheForm {
    CONTIGUOUS {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            var cache = new ContiguousKvCache(storage, rows + 1);
            appendInChunks(cache, drawn, IntStream.range(0, rows).toArray(), 5);
            return Held.of(cache, IntStream.range(0, rows), cache);
        }
    },
    CONTIGUOUS_TRUNCATED {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            var cache = new ContiguousKvCache(storage, rows + 5);
            appendTakingBack(cache, drawn, rows);
            return Held.of(cache, IntStream.range(0, rows), cache);
        }
    },
    SLIDING {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            var cache = new SlidingKvCache(storage, new SlidingWindow(10, 3), 1000);
            appendInChunks(cache, drawn, IntStream.range(0, rows).toArray(), 4);
            int first = Math.max(0, rows - 13);
            return new Held(cache, IntStream.range(first, rows).toArray(), first, 1, cache);
        }
    },
    SLIDING_TRUNCATED {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            var cache = new SlidingKvCache(storage, new SlidingWindow(8, 5), 1000);
            appendInChunks(cache, drawn, IntStream.range(0, rows).toArray(), 6);
            cache.append(cache.end(), drawn.parts(storage.layout(), drawn.others(5)));
            cache.truncate(rows);
            int first = Math.max(0, rows + 5 - 13);
            return new Held(
                    cache, IntStream.range(Math.min(first, rows), rows).toArray(), Math.min(first, rows), 1, cache);
        }
    },
    ENTRIES {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            var tokens = new ContiguousKvCache(TOKENS, 3 * rows + 9);
            var entries = new ContiguousKvCache(storage, rows + 3);
            return compressed(tokens, entries, 3, drawn, rows, tokens);
        }
    },
    ENTRIES_IN_PAGES_BESIDE_A_WINDOW {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            BlockPool pool = pool(storage, rows + 10);
            append(pool.sequence(1000), drawn, drawn.others(3));
            PagedSequence sequence = pool.sequence(1000);
            var tokens = new SlidingKvCache(RowStorage.float32(TOKENS), new SlidingWindow(4, 8), 1000);
            return compressed(tokens, sequence.layer(1), 2, drawn, rows, pool);
        }
    },
    PAGED {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            BlockPool pool = pool(storage, 2 * rows);
            PagedSequence sequence = pool.sequence(rows + 1);
            PagedSequence beside = pool.sequence(rows + 1);
            for (int from = 0; from < rows; from += 5) {
                append(
                        sequence,
                        drawn,
                        IntStream.range(from, Math.min(rows, from + 5)).toArray());
                append(beside, drawn, drawn.others(Math.min(rows - from, 5)));
            }
            return Held.of(sequence.layer(1), IntStream.range(0, rows), pool);
        }
    },
    PAGED_TRUNCATED {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            BlockPool pool = pool(storage, rows + 20);
            PagedSequence sequence = pool.sequence(rows + 5);
            append(sequence, drawn, IntStream.range(0, rows / 2).toArray());
            append(sequence, drawn, drawn.others(5));
            sequence.truncate(rows / 2);
            append(pool.sequence(9), drawn, drawn.others(9));
            append(sequence, drawn, IntStream.range(rows / 2, rows).toArray());
            return Held.of(sequence.layer(1), IntStream.range(0, rows), pool);
        }
    },
    /** The fork is read; what it came from goes on in the block that both have begun. */
    FORK {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            BlockPool pool = pool(storage, 2 * rows + 8);
            PagedSequence origin = pool.sequence(rows + 8);
            append(origin, drawn, IntStream.range(0, rows / 2).toArray());
            PagedSequence fork = origin.fork();
            append(origin, drawn, drawn.others(6));
            append(fork, drawn, IntStream.range(rows / 2, rows).toArray());
            return Held.of(fork.layer(1), IntStream.range(0, rows), pool);
        }
    },
    /** What was forked is read; the fork wrote into the block first, and is closed. */
    FORKED {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            BlockPool pool = pool(storage, 2 * rows + 8);
            PagedSequence origin = pool.sequence(rows + 8);
            append(origin, drawn, IntStream.range(0, rows / 2).toArray());
            try (PagedSequence fork = origin.fork()) {
                append(fork, drawn, drawn.others(6));
                append(origin, drawn, IntStream.range(rows / 2, rows).toArray());
            }
            return Held.of(origin.layer(1), IntStream.range(0, rows), pool);
        }
    },
    /** Opened on what another one published and closed, while a third continues it differently. */
    PREFIX {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            BlockPool pool = pool(storage, 2 * rows + 8);
            publish(pool, drawn, rows);
            PagedSequence sequence = pool.sequence(rows + 8, ids(rows));
            PagedSequence beside = pool.sequence(rows + 8, ids(rows));
            append(beside, drawn, drawn.others(6));
            append(sequence, drawn, IntStream.range(sequence.length(), rows).toArray());
            return Held.of(sequence.layer(1), IntStream.range(0, rows), pool);
        }
    },
    /** Goes back into a published block and on from there differently. */
    COPY_ON_WRITE {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            BlockPool pool = pool(storage, 2 * rows + 16);
            publish(pool, drawn, rows);
            PagedSequence sequence = pool.sequence(rows + 8, ids(rows));
            int kept = Math.max(0, sequence.length() - 3);
            sequence.truncate(kept);
            append(sequence, drawn, drawn.others(rows - kept));
            return Held.of(
                    sequence.layer(1),
                    IntStream.concat(IntStream.range(0, kept), Arrays.stream(drawn.others(rows - kept))),
                    pool);
        }
    },
    /** The published rows after another sequence has gone back into them and on. */
    PUBLISHED_BESIDE_A_COPY {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            BlockPool pool = pool(storage, 2 * rows + 16);
            publish(pool, drawn, rows);
            PagedSequence beside = pool.sequence(rows + 8, ids(rows));
            beside.truncate(Math.max(0, beside.length() - 3));
            append(beside, drawn, drawn.others(5));
            PagedSequence sequence = pool.sequence(rows + 8, ids(rows));
            return Held.of(sequence.layer(1), IntStream.range(0, sequence.length()), pool);
        }
    },
    /** In blocks that held published rows before. */
    EVICTED {
        @Override
        Held hold(RowStorage storage, Drawn drawn, int rows) {
            BlockPool pool = pool(storage, 0);
            try (PagedSequence before = pool.sequence(1000)) {
                int count = BLOCK * pool.config().blocks();
                append(before, drawn, drawn.others(count));
                before.publish(ids(count));
            }
            PagedSequence sequence = pool.sequence(1000);
            int fitting = Math.min(rows, BLOCK * pool.config().blocks());
            append(sequence, drawn, IntStream.range(0, fitting).toArray());
            return Held.of(sequence.layer(1), IntStream.range(0, fitting), pool);
        }
    };

    /** Tokens in a block of the pools: neither a divisor of the tests' lengths nor a power of two. */
    static final int BLOCK = 7;

    private static final RowLayout TOKENS = RowLayout.of("token", 3);

    /** A cache that holds the first drawn rows, or those that it says. */
    abstract Held hold(RowStorage storage, Drawn drawn, int rows);

    /**
     * A cache and what must lie in it.
     *
     * @param cache to be read
     * @param numbers of the drawn rows, in order
     * @param firstToken position of the token that row 0 belongs to
     * @param tokensPerRow tokens that a row stands for
     * @param owner closes the cache and what belongs to it
     */
    @SuppressWarnings("ArrayRecordComponent") // Handed from one test method to another.
    record Held(KvCache cache, int[] numbers, int firstToken, int tokensPerRow, AutoCloseable owner)
            implements AutoCloseable {
        static Held of(KvCache cache, IntStream numbers, AutoCloseable owner) {
            return new Held(cache, numbers.toArray(), 0, 1, owner);
        }

        @Override
        public void close() {
            try {
                cache.close();
                owner.close();
            } catch (Exception failure) {
                throw new AssertionError(failure);
            }
        }
    }

    /**
     * Rows with numbers, each of a spread of its own, so that scales differ, and small numbers beside great ones.
     *
     * @param backend of the tensors
     * @param random draws them
     */
    record Drawn(Backend backend, RandomStream random) {
        /** From here on rows are numbered that a test writes to be overwritten or taken back. */
        static final int OTHER = 1000;

        int[] others(int count) {
            return IntStream.range(OTHER, OTHER + count).toArray();
        }

        List<Tensor> parts(RowLayout layout, int[] numbers) {
            var parts = new ArrayList<Tensor>();
            for (RowLayout.Part part : layout.parts()) {
                float[] values = new float[numbers.length * part.width()];
                for (int r = 0; r < numbers.length; r++) {
                    RandomStream row = random.fork(part.name()).fork("row " + numbers[r]);
                    float spread = 2f / (1 + numbers[r] % 4);
                    for (int i = 0; i < part.width(); i++) {
                        float even = 2 * row.nextFloat() - 1;
                        values[r * part.width() + i] = spread * even * even * even;
                    }
                }
                parts.add(backend.tensors().floats(Shape.of(numbers.length, part.width()), values));
            }
            return parts;
        }
    }

    private static void appendInChunks(KvCache cache, Drawn drawn, int[] numbers, int chunk) {
        for (int from = 0; from < numbers.length; from += chunk) {
            int to = Math.min(numbers.length, from + chunk);
            cache.append(cache.end(), drawn.parts(cache.layout(), Arrays.copyOfRange(numbers, from, to)));
        }
    }

    private static void appendTakingBack(KvCache cache, Drawn drawn, int rows) {
        cache.append(
                cache.end(),
                drawn.parts(cache.layout(), IntStream.range(0, rows / 2).toArray()));
        cache.append(cache.end(), drawn.parts(cache.layout(), drawn.others(5)));
        cache.truncate(rows / 2);
        cache.append(
                cache.end(),
                drawn.parts(cache.layout(), IntStream.range(rows / 2, rows).toArray()));
    }

    /** Some runs too many, which are taken back in the middle of one; then the rest. */
    private static Held compressed(
            KvCache tokens, KvCache entries, int ratio, Drawn drawn, int rows, AutoCloseable owner) {
        var cache = new CompressedKvCache(tokens, entries, ratio);
        int begun = rows / 2;
        append(
                cache,
                entries,
                drawn,
                begun * ratio + 1,
                IntStream.range(0, begun).toArray());
        append(cache, entries, drawn, 2 * ratio, drawn.others(2));
        cache.truncate(begun * ratio + 1);
        append(
                cache,
                entries,
                drawn,
                (rows - begun) * ratio,
                IntStream.range(begun, rows).toArray());
        return new Held(cache, IntStream.range(0, rows).toArray(), 0, ratio, owner);
    }

    private static void append(KvCache cache, KvCache entries, Drawn drawn, int tokens, int[] numbers) {
        var parts = new ArrayList<>(drawn.parts(TOKENS, drawn.others(tokens)));
        parts.addAll(drawn.parts(entries.layout(), numbers));
        cache.append(cache.end(), parts);
    }

    /** Two layers, of which the second is read; as many blocks as so many tokens need, and three more. */
    private static BlockPool pool(RowStorage storage, int tokens) {
        return new BlockPoolConfig(Math.ceilDiv(tokens, BLOCK) + 3, BLOCK, List.of(storage, storage)).init();
    }

    private static void append(PagedSequence sequence, Drawn drawn, int[] numbers) {
        RowLayout layout = sequence.layer(0).layout();
        sequence.layer(0).append(sequence.layer(0).end(), drawn.parts(layout, drawn.others(numbers.length)));
        sequence.layer(1).append(sequence.layer(1).end(), drawn.parts(layout, numbers));
    }

    private static int[] ids(int count) {
        return IntStream.range(0, count).map(i -> i % 5).toArray();
    }

    private static void publish(BlockPool pool, Drawn drawn, int rows) {
        try (PagedSequence sequence = pool.sequence(rows + 1)) {
            append(sequence, drawn, IntStream.range(0, rows).toArray());
            sequence.publish(ids(rows));
        }
    }
}
