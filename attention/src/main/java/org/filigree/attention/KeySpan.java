package org.filigree.attention;

/** The run of neighbouring keys that each query of dense attention sees; a contract between callers and kernels. */
public interface KeySpan {
    /**
     * The first key that a query sees.
     *
     * @param query which query, from 0
     * @return index of a key, at least 0
     */
    int from(int query);

    /**
     * The key behind the last that a query sees.
     *
     * @param query which query, from 0
     * @return index of a key, at most the number of keys; a query sees nothing unless this exceeds {@link #from}
     */
    int to(int query);

    /**
     * Every query sees every key.
     *
     * @param keys number of keys
     * @return keys 0…keys − 1 for all
     */
    static KeySpan all(int keys) {
        return new Window(keys, 0, keys);
    }

    /**
     * Every query sees itself and what came before; the queries are the last of the keys, so that a later chunk of a sequence sees the
     * chunks before it.
     *
     * @param tokens number of queries
     * @param keys number of keys
     * @return query t sees keys 0…keys − tokens + t
     * @throws IllegalArgumentException if there are fewer keys than queries
     */
    static KeySpan causal(int tokens, int keys) {
        return window(tokens, keys, Integer.MAX_VALUE);
    }

    /**
     * Every query sees the last few keys up to its own; the queries are the last of the keys.
     *
     * @param tokens number of queries
     * @param keys number of keys
     * @param width how many keys a query sees at most, its own among them, 1 or more
     * @return query t sees keys keys − tokens + t − width + 1…keys − tokens + t
     * @throws IllegalArgumentException if there are fewer keys than queries or the width is not positive
     */
    static KeySpan window(int tokens, int keys, int width) {
        if (keys < tokens) {
            throw new IllegalArgumentException("key span: " + tokens + " queries cannot be the last of " + keys
                    + " keys; were their own keys added first?");
        }
        if (width < 1) {
            throw new IllegalArgumentException(
                    "key span: a window of " + width + " keys; a query sees itself at least");
        }
        return new Window(keys - tokens + 1, 1, width);
    }

    /**
     * The keys that a visibility shows.
     *
     * @param visibility how many of the first keys each query sees
     * @return query t sees keys 0…visibility.keys(t) − 1
     */
    static KeySpan of(Visibility visibility) {
        return new Prefix(visibility);
    }

    /**
     * Query t sees up to {@code width} keys before key {@code firstEnd + t·step}.
     *
     * @param firstEnd the key behind the last that query 0 sees
     * @param step by how much each query sees further than the one before
     * @param width how many keys a query sees at most
     */
    record Window(int firstEnd, int step, int width) implements KeySpan {
        @Override
        public int from(int query) {
            return Math.max(0, to(query) - width);
        }

        @Override
        public int to(int query) {
            return firstEnd + query * step;
        }
    }

    /**
     * The first keys.
     *
     * @param visibility how many of them each query sees
     */
    record Prefix(Visibility visibility) implements KeySpan {
        @Override
        public int from(int query) {
            return 0;
        }

        @Override
        public int to(int query) {
            return visibility.keys(query);
        }
    }
}
