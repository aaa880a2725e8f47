package org.filigree.kvcache;

import org.filigree.core.tensor.Check;

/**
 * Where the next token of a sequence goes: behind how many others, and in which of its histories. Whoever computes rows reads it from
 * {@link KvCache#end} first, takes the position from it, and hands it to {@link KvCache#append}, which refuses rows that were computed
 * for another end; {@link KvCache#rows(CacheEnd, String...)} shows the rows up to it and none that others have appended since. An end does not name its
 * cache: hand it to the one that it was read from.
 *
 * @param length tokens held: the position of the next one
 * @param history how often tokens were taken back; tells two sequences apart that are equally long, one with tokens of the other replaced
 */
public record CacheEnd(int length, long history) {
    /** Checks the numbers. */
    public CacheEnd {
        Check.notNegative("cache end: length", length);
    }

    CacheEnd grown(int tokens) {
        return new CacheEnd(length + tokens, history);
    }

    CacheEnd shortened(int kept) {
        return new CacheEnd(kept, history + 1);
    }

    /** Whether a sequence that ends there, which it has reached since, still holds all tokens before this end. */
    boolean isBefore(CacheEnd now) {
        return history == now.history && length <= now.length;
    }

    /** Rows were computed for this end; are they to be appended to a sequence that ends there? */
    void requireAppendable(CacheEnd now) {
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
        if (!isBefore(now)) {
            throw new KvCacheException(
                    KvCacheException.Reason.STALE,
                    "rows: some of the " + length + " tokens asked for were taken back since (history " + history
                            + ", now " + now.history + " with " + now.length
                            + " tokens); truncate between passes, and compute the rows again");
        }
    }
}
