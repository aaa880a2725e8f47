package org.filigree.engram;

import java.util.Arrays;
import java.util.Objects;
import org.filigree.core.tensor.Check;

/**
 * The tokens of one sequence, as far as hashing remembers them: a compressed id each, and where barriers stand. A new token costs
 * the same however long the sequence is. Made by {@link NgramHash#history()}; changed by one thread at a time.
 */
public final class HashHistory {
    private static final int DEAD = -1;

    /** Compressed ids stay below this bit. */
    private static final int START = 1 << 30;

    private final Codes codes;
    private int[] tokens = new int[16];
    private int length;

    HashHistory(Codes codes) {
        this.codes = codes;
    }

    /** The compressed id of every token, with marks for barriers, and that of the padding. */
    @SuppressWarnings("ArrayRecordComponent") // Read token by token, never handed out.
    record Codes(int[] byId, int padding) {
        static Codes of(NgramHashConfig config) {
            int[] byId = config.vocabulary().lookup();
            int padding = byId[config.padding()];
            for (int id : config.barriers().starts()) {
                byId[id] |= START;
            }
            for (int id : config.barriers().dead()) {
                byId[id] = DEAD;
            }
            return new Codes(byId, padding);
        }

        int of(int id) {
            require(id);
            return id < 0 ? DEAD : byId[id];
        }

        void require(int id) {
            if (id >= byId.length) {
                throw new IndexOutOfBoundsException(
                        "engram: token id " + id + " is outside the vocabulary of " + byId.length);
            }
        }
    }

    /** {@return how many tokens there are} */
    public int length() {
        return length;
    }

    /**
     * Appends a token.
     *
     * @param id token id; negative for what is no text
     * @throws IndexOutOfBoundsException if the vocabulary has no such id
     */
    public void append(int id) {
        push(codes.of(id));
    }

    /**
     * Appends a token with which a new segment begins: neither it nor a later token looks behind it.
     *
     * @param id token id; negative for what is no text
     * @throws IndexOutOfBoundsException if the vocabulary has no such id
     */
    public void appendStart(int id) {
        int code = codes.of(id);
        push(code == DEAD ? DEAD : code | START);
    }

    private void push(int code) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * length);
        }
        tokens[length++] = code;
    }

    /**
     * Forgets every token at or after a position, for instance those that were proposed and not accepted.
     *
     * @param position how many tokens to keep
     */
    public void truncate(int position) {
        Check.between("engram: tokens to keep", position, 0, length);
        length = position;
    }

    /** {@return an equal history that grows by itself} */
    public HashHistory copy() {
        var copy = new HashHistory(codes);
        copy.tokens = tokens.clone();
        copy.length = length;
        return copy;
    }

    boolean live(int position) {
        return tokens[Objects.checkIndex(position, length)] != DEAD;
    }

    /** The compressed ids at a position and before it; padding from the first barrier on. */
    void window(int position, int[] into) {
        boolean open = true;
        for (int k = 0; k < into.length; k++) {
            int code = open && k <= position ? tokens[position - k] : DEAD;
            open = code >= 0 && code < START;
            into[k] = code == DEAD ? codes.padding() : code & (START - 1);
        }
    }
}
