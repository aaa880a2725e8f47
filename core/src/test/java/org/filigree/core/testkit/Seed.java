package org.filigree.core.testkit;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.filigree.core.random.RandomStream;
import org.junit.jupiter.api.TestInfo;

/** Randomness that depends on nothing but the identity of the test, so that a failure comes back. */
public final class Seed {
    private Seed() {}

    /**
     * The stream of a test.
     *
     * @param test what JUnit injects
     * @return a stream of its own
     */
    public static RandomStream of(TestInfo test) {
        return of(test.getTestClass().map(Class::getName).orElse(""), test.getDisplayName());
    }

    /**
     * The stream of anything that has a name.
     *
     * @param id parts of the name
     * @return a stream of its own
     */
    public static RandomStream of(Object... id) {
        return RandomStream.of(0).fork(Arrays.stream(id).map(String::valueOf).collect(Collectors.joining("/")));
    }
}
