package org.filigree.engram;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.tensor.Check;

/**
 * A table from token ids to fewer, compressed ids: tokens that differ only in case, accents or surrounding blanks share one, so that
 * n-grams of them share rows. Every hash depends on the table and on its {@linkplain #size size}; keep it with the model.
 */
public final class VocabularyCompression {
    private static final int BYTES = 256;
    private static final char REPLACEMENT = '\uFFFD';

    private final int[] lookup;
    private final int size;

    private VocabularyCompression(int[] lookup, int size) {
        this.lookup = lookup;
        this.size = size;
    }

    /**
     * A stored table.
     *
     * @param lookup compressed id of every token id; each number below the greatest occurs
     * @return the compression
     * @throws IllegalArgumentException if the table is empty, or numbers are negative or left out
     */
    public static VocabularyCompression of(int[] lookup) {
        Check.positive("vocabulary compression: vocabulary", lookup.length);
        int size = 1 + Arrays.stream(lookup).max().getAsInt();
        boolean[] seen = new boolean[Math.clamp(size, 0, lookup.length)];
        for (int id = 0; id < lookup.length; id++) {
            if (lookup[id] < 0 || lookup[id] >= seen.length) {
                throw new IllegalArgumentException("vocabulary compression: token " + id + " has the compressed id "
                        + lookup[id] + ", which is not in [0, " + lookup.length + ")");
            }
            seen[lookup[id]] = true;
        }
        for (int id = 0; id < size; id++) {
            if (!seen[id]) {
                throw new IllegalArgumentException("vocabulary compression: no token has the compressed id " + id
                        + " although the greatest is " + (size - 1));
            }
        }
        return new VocabularyCompression(lookup.clone(), size);
    }

    /**
     * The table of a tokenizer: tokens share an id if their {@linkplain TokenNormalizer normal forms} are equal. A token whose normal
     * form is empty counts by its text, one whose bytes are no whole characters by its spelling. Ids are given in order of first use.
     *
     * @param tokens every token, in order of ids
     * @return the compression
     */
    public static VocabularyCompression of(List<TokenText> tokens) {
        Check.positive("vocabulary compression: vocabulary", tokens.size());
        Map<String, Integer> ids = HashMap.newHashMap(tokens.size());
        int[] lookup = new int[tokens.size()];
        for (int id = 0; id < lookup.length; id++) {
            int next = ids.size();
            lookup[id] = ids.computeIfAbsent(key(tokens.get(id)), key -> next);
        }
        return new VocabularyCompression(lookup, ids.size());
    }

    /**
     * What a token counts by.
     *
     * @param token a token
     * @return tokens of equal keys share a compressed id
     */
    public static String key(TokenText token) {
        if (token.text().indexOf(REPLACEMENT) >= 0) {
            return token.raw();
        }
        String normal = TokenNormalizer.normalize(token.text());
        return normal.isEmpty() ? token.text() : normal;
    }

    /**
     * No compression.
     *
     * @param vocabulary number of token ids
     * @return every id is its own
     */
    public static VocabularyCompression identity(int vocabulary) {
        Check.positive("vocabulary compression: vocabulary", vocabulary);
        int[] lookup = new int[vocabulary];
        Arrays.setAll(lookup, id -> id);
        return new VocabularyCompression(lookup, vocabulary);
    }

    /**
     * For a vocabulary whose first 256 ids are bytes: ASCII capitals count as small letters. Blanks stay apart, for in code they carry
     * structure.
     *
     * @param vocabulary number of token ids, 256 or more; those from 256 on stay apart
     * @return the compression
     */
    public static VocabularyCompression bytesWithoutCase(int vocabulary) {
        Check.between("vocabulary compression: vocabulary of bytes", vocabulary, BYTES, Integer.MAX_VALUE);
        int capitals = 'Z' - 'A' + 1;
        int[] lookup = new int[vocabulary];
        Arrays.setAll(lookup, id -> id < 'a' ? id : id <= 'z' ? id - 'a' + 'A' : id - capitals);
        return of(lookup);
    }

    /**
     * This compression, if it has the size that a model was trained with.
     *
     * @param expected number of compressed ids
     * @return this
     * @throws IllegalArgumentException if the size differs, and with it every multiplier and every hash
     */
    public VocabularyCompression expect(int expected) {
        if (size != expected) {
            throw new IllegalArgumentException("vocabulary compression: " + lookup.length + " tokens have " + size
                    + " compressed ids but the model was trained with " + expected
                    + ", so every hash would differ; use the model's own tokenizer, or its stored table");
        }
        return this;
    }

    /** {@return the number of token ids} */
    public int vocabulary() {
        return lookup.length;
    }

    /** {@return the number of compressed ids} */
    public int size() {
        return size;
    }

    /**
     * The compressed id of a token.
     *
     * @param id a token id
     * @return its compressed id
     * @throws IndexOutOfBoundsException if the vocabulary has no such id
     */
    public int compress(int id) {
        if (id < 0 || id >= lookup.length) {
            throw new IndexOutOfBoundsException(
                    "vocabulary compression: token id " + id + " is outside the vocabulary of " + lookup.length);
        }
        return lookup[id];
    }

    /** {@return the compressed id of every token id, a copy} */
    public int[] lookup() {
        return lookup.clone();
    }

    @Override
    public String toString() {
        return "VocabularyCompression{" + lookup.length + " -> " + size + "}";
    }
}
