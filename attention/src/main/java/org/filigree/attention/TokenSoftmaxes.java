package org.filigree.attention;

import org.filigree.core.backend.Workers;

/**
 * Attention of tokens that have each chosen keys of their own. Threads share tokens, or where there are few of them parts of what each has
 * chosen; a part has a {@link RunningSoftmax}, and those of a token are joined in their order. How many parts there are follows from the
 * shape alone.
 *
 * @param workers who share the work
 * @param tokens how many
 * @param chosen keys that each has chosen
 */
record TokenSoftmaxes(Workers workers, int tokens, int chosen) {
    /** Tasks that a step of few tokens is cut into; a number that does not depend on the threads. */
    private static final int TASKS = 16;

    /** Chosen keys of a part at least: some 70 µs of work at 16 heads and 576 channels, of which joining takes 1. */
    private static final int LEAST_PART = 256;

    /** What a token has to do with some of the keys it has chosen. */
    @FunctionalInterface
    interface Part {
        RunningSoftmax of(int token, int from, int to);
    }

    /** Where the result of a token goes. */
    @FunctionalInterface
    interface Result {
        void take(int token, RunningSoftmax whole);
    }

    void run(Part part, Result result) {
        int parts = Math.clamp(Math.ceilDiv(TASKS, Math.max(1, tokens)), 1, Math.max(1, chosen / LEAST_PART));
        if (parts == 1) {
            workers.parallelFor(tokens, token -> result.take(token, part.of(token, 0, chosen)));
            return;
        }
        var all = new RunningSoftmax[tokens * parts];
        int length = Math.ceilDiv(chosen, parts);
        workers.parallelFor(all.length, i -> {
            int from = Math.min(chosen, i % parts * length);
            all[i] = part.of(i / parts, from, Math.min(chosen, from + length));
        });
        for (int token = 0; token < tokens; token++) {
            RunningSoftmax whole = all[token * parts];
            for (int i = 1; i < parts; i++) {
                whole.join(all[token * parts + i]);
            }
            result.take(token, whole);
        }
    }
}
