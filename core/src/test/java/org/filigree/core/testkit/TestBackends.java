package org.filigree.core.testkit;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendException;
import org.filigree.core.backend.Backends;

/**
 * The backends that tests run on. Each is opened once per test JVM and closed when it ends; one that a test expects but that
 * does not probe usable fails the test, never skips it.
 */
public final class TestBackends {
    /** Expected where core's own jar is all there is. */
    public static final String CORE = "scalar, vector";

    /** Expected by the tests of blocks. */
    public static final String BLOCKS = "scalar, vector, ojalgo";

    /** The backend in double precision that others are measured by. */
    public static final String ORACLE = "ojalgo";

    private static final Map<String, Backend> OPEN = new ConcurrentHashMap<>();

    private TestBackends() {}

    /**
     * An expected backend.
     *
     * @param name its name
     * @return the open backend; closing it does nothing
     */
    public static Backend get(String name) {
        return OPEN.computeIfAbsent(name, TestBackends::open);
    }

    /**
     * Several expected backends, or the one among them that the property {@value Backends#PROPERTY} names.
     *
     * @param names names, separated by commas
     * @return the open backends in that order
     */
    public static List<Backend> all(String names) {
        List<String> expected =
                Arrays.stream(names.split(",", -1)).map(String::strip).toList();
        String only = System.getProperty(Backends.PROPERTY, "");
        return (expected.contains(only) ? List.of(only) : expected)
                .stream().map(TestBackends::get).toList();
    }

    /** {@return the backends that blocks must run on, for method sources} */
    public static Stream<Backend> blocks() {
        return all(BLOCKS).stream();
    }

    /** {@return the backend in double precision} */
    public static Backend oracle() {
        return get(ORACLE);
    }

    private static Backend open(String name) {
        try {
            Backend backend = Backends.open(name);
            Runtime.getRuntime().addShutdownHook(new Thread(backend::close));
            return KeptOpen.of(backend);
        } catch (BackendException unusable) {
            throw new AssertionError(
                    "the tests expect the backend " + name + "; what there is:\n" + Backends.report(), unusable);
        }
    }
}
