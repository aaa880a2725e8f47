package org.filigree.attention;

/** Which keys a query may choose from: always the first few. A contract between layers and {@linkplain Selector selectors}. */
@FunctionalInterface
public interface Visibility {
    /**
     * How many keys a query may see; it sees the keys below that number.
     *
     * @param query which query, from 0
     * @return number of keys, at most as many as there are
     */
    int keys(int query);

    /**
     * The same for a part of the queries.
     *
     * @param first query that becomes query 0
     * @return what the queries from there on see
     */
    default Visibility from(int first) {
        return first == 0 ? this : query -> keys(first + query);
    }

    /**
     * Every query sees itself and what came before; the queries are the last of the keys.
     *
     * @param tokens number of queries
     * @param keys number of keys
     * @return query t sees keys 0…keys − tokens + t
     */
    static Visibility causal(int tokens, int keys) {
        if (keys < tokens) {
            throw new IllegalArgumentException("visibility: " + tokens + " queries cannot be the last of " + keys
                    + " keys; were their own keys added first?");
        }
        return query -> keys - tokens + query + 1;
    }
}
