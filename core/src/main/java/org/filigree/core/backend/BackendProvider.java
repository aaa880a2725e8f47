package org.filigree.core.backend;

/**
 * Announces a backend; found through {@link java.util.ServiceLoader}, so that any jar can bring one. A provider must load without
 * the libraries that its backend needs: only {@link #open} may touch them.
 */
public interface BackendProvider {
    /** {@return the name by which it is chosen, in lower case} */
    String name();

    /** {@return rank among usable backends when none was asked for, the highest wins; below 0 it is never taken unasked} */
    int preference();

    /** {@return whether it would work on this machine; no side effects, never throws} */
    Probe probe();

    /**
     * Opens a new instance; only after {@link Probe.Usable}.
     *
     * @return a backend that the caller closes
     */
    Backend open();
}
