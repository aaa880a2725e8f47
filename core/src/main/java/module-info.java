/**
 * Tensors, run-time selectable backends, reverse-mode differentiation, layers, optimisers, random streams and safetensors
 * files: everything that Filigree's blocks stand on, with the JDK as the only dependency.
 */
module org.filigree.core {
    requires transitive jdk.incubator.vector;
    requires static org.jspecify;

    exports org.filigree.core.autograd;
    exports org.filigree.core.backend;
    exports org.filigree.core.backend.host;
    exports org.filigree.core.backend.kernel;
    exports org.filigree.core.backend.simd;
    exports org.filigree.core.io;
    exports org.filigree.core.nn;
    exports org.filigree.core.op;
    exports org.filigree.core.optim;
    exports org.filigree.core.random;
    exports org.filigree.core.tensor;

    uses org.filigree.core.backend.BackendProvider;
    uses org.filigree.core.backend.KernelProvider;

    provides org.filigree.core.backend.BackendProvider with
            org.filigree.core.backend.scalar.ScalarBackendProvider,
            org.filigree.core.backend.vector.VectorBackendProvider;
}
