package org.filigree.engram;

import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.filigree.core.tensor.Check;

/**
 * How the n-grams of a model are hashed, in all its Engram layers at once: the moduli of a layer depend on the layers before it in
 * the list.
 *
 * @param vocabulary from token ids to the ids that are hashed
 * @param orders lengths of the n-grams, ascending, for instance 2, 3, 4
 * @param heads hash heads of each order
 * @param rowsPerHead least number of table rows of a head, for each order; the moduli are the next free primes
 * @param layers block numbers of the Engram layers, from 0, in the order in which moduli are given out
 * @param seed of the multipliers
 * @param padding token id that stands for what is missing before a sequence and behind a barrier
 * @param barriers token ids that n-grams do not cross
 */
public record NgramHashConfig(
        VocabularyCompression vocabulary,
        List<Integer> orders,
        int heads,
        List<Integer> rowsPerHead,
        List<Integer> layers,
        long seed,
        int padding,
        Barriers barriers) {
    /** What a layer number adds to the seed of its multipliers. */
    static final long SEED_STRIDE = 10007;

    /** From here on NumPy would draw the multipliers 32 bits at a time, another sequence. */
    private static final int VOCABULARY_LIMIT = 1 << 30;

    /** Longest n-gram that a configuration may ask for. */
    private static final int LONGEST = 64;

    /** Checks everything and copies the lists. */
    public NgramHashConfig {
        orders = List.copyOf(orders);
        rowsPerHead = List.copyOf(rowsPerHead);
        layers = List.copyOf(layers);
        Check.positive("engram: heads", heads);
        Check.positive("engram: number of orders", orders.size());
        Check.positive("engram: number of layers", layers.size());
        for (int i = 0; i < orders.size(); i++) {
            Check.between("engram: order " + i, orders.get(i), i == 0 ? 1 : orders.get(i - 1) + 1, LONGEST);
        }
        if (rowsPerHead.size() != orders.size()) {
            throw new IllegalArgumentException("engram: rowsPerHead has " + rowsPerHead.size()
                    + " entries but there are " + orders.size() + " orders; give one for each");
        }
        rowsPerHead.forEach(rows -> Check.positive("engram: rowsPerHead", rows));
        for (int layer : layers) {
            Check.notNegative("engram: layer", layer);
            if (Collections.frequency(layers, layer) > 1) {
                throw new IllegalArgumentException("engram: layer " + layer + " is listed twice in " + layers);
            }
        }
        if (seed < 0) {
            throw new IllegalArgumentException("engram: seed must be zero or more but is " + seed);
        }
        checkVocabulary(vocabulary.size());
        checkId("padding", padding, vocabulary);
        for (int id : barriers.dead()) {
            checkId("a dead token", id, vocabulary);
        }
        for (int id : barriers.starts()) {
            checkId("a start", id, vocabulary);
        }
    }

    /**
     * The published arrangement: orders 2 … N with equal sizes, seed 0.
     *
     * @param vocabulary from token ids to the ids that are hashed
     * @param longest the longest order, 2 or more
     * @param heads hash heads of each order
     * @param rowsPerHead least number of table rows of a head
     * @param padding token id that stands for what is missing
     * @param layers block numbers of the Engram layers, from 0
     * @return the configuration
     */
    public static NgramHashConfig of(
            VocabularyCompression vocabulary, int longest, int heads, int rowsPerHead, int padding, Integer... layers) {
        Check.between("engram: longest order", longest, 2, LONGEST);
        List<Integer> orders = IntStream.rangeClosed(2, longest).boxed().toList();
        return new NgramHashConfig(
                vocabulary,
                orders,
                heads,
                Collections.nCopies(orders.size(), rowsPerHead),
                List.of(layers),
                0,
                padding,
                Barriers.none());
    }

    /**
     * The same hashing with other table sizes.
     *
     * @param rows least number of table rows of a head, the same for every order
     * @return a new configuration
     */
    public NgramHashConfig withRowsPerHead(int rows) {
        return new NgramHashConfig(
                vocabulary, orders, heads, Collections.nCopies(orders.size(), rows), layers, seed, padding, barriers);
    }

    /**
     * The same hashing with other orders, all of the first order's table size.
     *
     * @param others lengths of the n-grams, ascending
     * @return a new configuration
     */
    public NgramHashConfig withOrders(Integer... others) {
        return new NgramHashConfig(
                vocabulary,
                List.of(others),
                heads,
                Collections.nCopies(others.length, rowsPerHead.getFirst()),
                layers,
                seed,
                padding,
                barriers);
    }

    /**
     * The same hashing with another number of heads.
     *
     * @param count hash heads of each order
     * @return a new configuration
     */
    public NgramHashConfig withHeads(int count) {
        return new NgramHashConfig(vocabulary, orders, count, rowsPerHead, layers, seed, padding, barriers);
    }

    /**
     * The same hashing at other layers.
     *
     * @param numbers block numbers of the Engram layers, from 0
     * @return a new configuration
     */
    public NgramHashConfig withLayers(List<Integer> numbers) {
        return new NgramHashConfig(vocabulary, orders, heads, rowsPerHead, numbers, seed, padding, barriers);
    }

    /**
     * The same hashing with other multipliers.
     *
     * @param value of the seed
     * @return a new configuration
     */
    public NgramHashConfig withSeed(long value) {
        return new NgramHashConfig(vocabulary, orders, heads, rowsPerHead, layers, value, padding, barriers);
    }

    /**
     * The same hashing with another padding.
     *
     * @param id token id that stands for what is missing
     * @return a new configuration
     */
    public NgramHashConfig withPadding(int id) {
        return new NgramHashConfig(vocabulary, orders, heads, rowsPerHead, layers, seed, id, barriers);
    }

    /**
     * The same hashing with other barriers.
     *
     * @param others token ids that n-grams do not cross
     * @return a new configuration
     */
    public NgramHashConfig withBarriers(Barriers others) {
        return new NgramHashConfig(vocabulary, orders, heads, rowsPerHead, layers, seed, padding, others);
    }

    /** {@return the longest order, N} */
    public int longest() {
        return orders.getLast();
    }

    /** {@return how many rows a token reads in one layer: heads of all orders} */
    public int columns() {
        return Math.multiplyExact(orders.size(), heads);
    }

    /**
     * Finds moduli and multipliers.
     *
     * @return the hash
     * @throws IllegalArgumentException if the rows of a layer pass 2³¹ − 1
     */
    public NgramHash init() {
        return new NgramHash(this);
    }

    static void checkVocabulary(int size) {
        if (size >= VOCABULARY_LIMIT) {
            throw new IllegalArgumentException(
                    "engram: " + size + " compressed ids are too many; there must be fewer than " + VOCABULARY_LIMIT
                            + ", or multipliers would not be those of the published scheme");
        }
    }

    private static void checkId(String name, int id, VocabularyCompression vocabulary) {
        if (id < 0 || id >= vocabulary.vocabulary()) {
            throw new IllegalArgumentException("engram: " + name + " has the token id " + id
                    + ", which is outside the vocabulary of " + vocabulary.vocabulary());
        }
    }
}
