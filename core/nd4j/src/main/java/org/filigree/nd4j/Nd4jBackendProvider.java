package org.filigree.nd4j;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendProvider;
import org.filigree.core.backend.Probe;

/**
 * Announces the {@code nd4j} backend. Whether ND4J's native libraries load is known only once they are loaded, so the probe loads
 * them, which takes a second or two.
 */
public final class Nd4jBackendProvider implements BackendProvider {
    private static final String ENTRY = "org.nd4j.linalg.factory.Nd4j";

    /** For the service loader. */
    public Nd4jBackendProvider() {}

    @Override
    public String name() {
        return "nd4j";
    }

    /** Above plain loops, below the vector kernels. */
    @Override
    public int preference() {
        return 50;
    }

    @Override
    public Probe probe() {
        try {
            Class.forName(ENTRY);
            return new Probe.Usable("float32, ND4J");
        } catch (ClassNotFoundException missing) {
            return new Probe.Unusable("the class " + missing.getMessage()
                    + " is not on the class path; add org.nd4j:nd4j-native with the classifier of this platform");
        } catch (LinkageError broken) {
            return new Probe.Unusable("ND4J does not start: " + innermost(broken)
                    + "; add org.nd4j:nd4j-native with the classifier of this platform, such as linux-x86_64");
        }
    }

    private static String innermost(Throwable thrown) {
        Throwable at = thrown;
        for (Throwable cause = at.getCause(); cause != null; cause = at.getCause()) {
            at = cause;
        }
        return String.valueOf(at.getMessage());
    }

    @Override
    public Backend open() {
        return new Nd4jBackend();
    }
}
