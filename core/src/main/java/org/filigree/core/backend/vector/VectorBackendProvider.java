package org.filigree.core.backend.vector;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendProvider;
import org.filigree.core.backend.Probe;
import org.filigree.core.backend.simd.VectorMath;

/**
 * Announces the {@code vector} backend, usable where {@code jdk.incubator.vector} is readable. It takes as many threads as there are
 * processors, or as the system property {@value #THREADS} says; results are the same bits either way.
 */
public final class VectorBackendProvider implements BackendProvider {
    /** System property that limits the threads. */
    public static final String THREADS = "filigree.vector.threads";

    private static final String MODULE = "jdk.incubator.vector";

    /** Sums of lanes are folded four vectors at a time. */
    private static final int LEAST_LANES = 4;

    /** For the service loader. */
    public VectorBackendProvider() {}

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public int preference() {
        return 100;
    }

    @Override
    public Probe probe() {
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            return new Probe.Unusable(
                    "the module " + MODULE + " is not in this JVM; on the class path start java with --add-modules "
                            + MODULE + " (on the module path no flag is needed)");
        }
        if (VectorMath.LANES < LEAST_LANES) {
            return new Probe.Unusable("vectors of this JVM hold " + VectorMath.LANES + " floats and the kernels need "
                    + LEAST_LANES + " at least; leave -XX:MaxVectorSize out, or give 16 or more");
        }
        int threads = threads();
        if (threads < 1) {
            return new Probe.Unusable("-D" + THREADS + "=" + System.getProperty(THREADS)
                    + " is no number of threads; give 1 or more, or leave it out for one a processor");
        }
        return new Probe.Usable("float32, jdk.incubator.vector, " + threads + " threads");
    }

    @Override
    public Backend open() {
        return VectorBackend.open(threads());
    }

    /** Threads to take, 0 if the property is no number. */
    private static int threads() {
        String asked = System.getProperty(THREADS);
        if (asked == null) {
            return Runtime.getRuntime().availableProcessors();
        }
        try {
            return Integer.parseInt(asked.strip());
        } catch (NumberFormatException _) {
            return 0;
        }
    }
}
