package org.filigree.kvcache;

import org.filigree.core.tensor.Check;
import org.jspecify.annotations.Nullable;

/**
 * Where the next token of a sequence goes: in which cache, behind how many others, and in which of its histories. Whoever computes rows
 * reads it from {@link KvCache#end} first, takes the position from it, and hands it to {@link KvCache#append}, which refuses rows that were
 * computed for another end; {@link KvCache#rows(CacheEnd, String...)} shows the rows up to it and none that others have appended since.
 *
 * <p>An end belongs to the handle that it was read from. Another cache, another layer of the same sequence, or a fork refuses it, however
 * much they have in common. Ends are equal if they are of one handle, equally long, and no token was taken back between them.
 */
public final class CacheEnd {
    /** Nothing but itself: one for each handle. */
    private final Object sequence;

    private final int length;
    /** How often tokens were taken back. */
    private final long history;

    private CacheEnd(Object sequence, int length, long history) {
        Check.notNegative("cache end: length", length);
        this.sequence = sequence;
        this.length = length;
        this.history = history;
    }

    /**
     * The end of a new cache, which is empty. For those who write caches, as all that makes ends: everybody else reads them.
     *
     * @return an end that is equal to that of no other cache
     */
    public static CacheEnd start() {
        return new CacheEnd(new Object(), 0, 0);
    }

    /** {@return tokens held: the position of the next one} */
    public int length() {
        return length;
    }

    /**
     * The end once tokens were appended.
     *
     * @param tokens how many
     * @return the end behind them
     */
    public CacheEnd grown(int tokens) {
        Check.notNegative("cache end: appended tokens", tokens);
        return new CacheEnd(sequence, Math.addExact(length, tokens), history);
    }

    /**
     * The end once tokens were taken back. No end from before is held any more, shorter ones neither.
     *
     * @param kept tokens that were not
     * @return the end behind these
     */
    public CacheEnd shortened(int kept) {
        if (kept > length) {
            throw new IllegalArgumentException(
                    "cache end: " + kept + " tokens cannot be kept of " + length + "; give at most these");
        }
        return new CacheEnd(sequence, kept, history + 1);
    }

    /** The end that this history had, or will have, at another length. */
    CacheEnd at(int other) {
        return new CacheEnd(sequence, other, history);
    }

    /**
     * Whether a sequence still holds all tokens before this end.
     *
     * @param now where the sequence ends
     * @return whether it has grown from this end to that one
     */
    public boolean isBefore(CacheEnd now) {
        return sequence.equals(now.sequence) && history == now.history && length <= now.length;
    }

    /** Rows were computed for this end; are they to be appended to a sequence that ends there? */
    void requireAppendable(CacheEnd now) {
        requireOwn("append", now);
        if (length != now.length) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "append: the rows were computed for position " + length + " but the cache holds " + now.length
                            + " tokens; another thread or another layer uses the same handle: let one pass end before"
                            + " the next one begins, and give every sequence and every layer a cache of its own");
        }
        if (history != now.history) {
            throw new KvCacheException(
                    KvCacheException.Reason.STALE,
                    "append: the rows were computed behind " + length + " tokens, of which some were taken back and"
                            + " replaced since (history " + history + ", now " + now.history
                            + "); truncate between passes, and compute the rows again");
        }
    }

    /** Rows up to this end are asked for; are they there in a sequence that ends there? */
    void requireHeld(CacheEnd now) {
        requireOwn("rows", now);
        if (!isBefore(now)) {
            throw new KvCacheException(
                    KvCacheException.Reason.STALE,
                    "rows: some of the " + length + " tokens asked for were taken back since (history " + history
                            + ", now " + now.history + " with " + now.length
                            + " tokens); truncate between passes, and compute the rows again");
        }
    }

    private void requireOwn(String operation, CacheEnd now) {
        if (!sequence.equals(now.sequence)) {
            throw new KvCacheException(
                    KvCacheException.Reason.FOREIGN_END,
                    operation + ": the end behind " + length
                            + " tokens is that of another cache, not of this one, which"
                            + " holds " + now.length + "; read the end from the handle that it is given to, also in"
                            + " another layer and after a fork");
        }
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof CacheEnd that
                && sequence.equals(that.sequence)
                && length == that.length
                && history == that.history;
    }

    @Override
    public int hashCode() {
        return 31 * (31 * System.identityHashCode(sequence) + length) + Long.hashCode(history);
    }

    @Override
    public String toString() {
        return "CacheEnd{" + length + " tokens, history " + history + "}";
    }
}
