package org.filigree.core.backend;

/**
 * Brings a fused kernel of another module to a backend, in place of the backend's own if it has one of that interface; found through
 * {@link java.util.ServiceLoader}. Two providers of one interface for one backend are an error when the backend opens.
 */
public interface KernelProvider {
    /** {@return name of the backend it runs on} */
    String backend();

    /** {@return interface under which operations ask for it} */
    Class<? extends FusedKernel> type();

    /**
     * Makes the kernel for one open backend.
     *
     * @param backend a backend of the right name
     * @return an instance of {@link #type}
     */
    FusedKernel create(Backend backend);
}
