package org.filigree.engram;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Token ids that n-grams do not cross. What lies behind a barrier counts as padding, for the first token after it and for all that
 * look so far back. Negative token ids are dead without being named here.
 *
 * @param dead ids that are no text (images, padding): Engram is silent at them, and no n-gram contains them
 * @param starts ids that begin something new (a file, a document): they belong to what follows, never to what was before
 */
public record Barriers(Set<Integer> dead, Set<Integer> starts) {
    /** Copies the sets. */
    public Barriers {
        dead = Set.copyOf(dead);
        starts = Set.copyOf(starts);
    }

    /** {@return no barriers but negative ids} */
    public static Barriers none() {
        return new Barriers(Set.of(), Set.of());
    }

    /**
     * These barriers with other dead ids.
     *
     * @param ids token ids
     * @return new barriers
     */
    public Barriers withDead(int... ids) {
        return new Barriers(set(ids), starts);
    }

    /**
     * These barriers with other starts.
     *
     * @param ids token ids
     * @return new barriers
     */
    public Barriers withStarts(int... ids) {
        return new Barriers(dead, set(ids));
    }

    private static Set<Integer> set(int[] ids) {
        return Arrays.stream(ids).boxed().collect(Collectors.toUnmodifiableSet());
    }
}
