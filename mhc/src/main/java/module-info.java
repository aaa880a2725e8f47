/** Hyper-connections: several residual streams around a layer, mixed by learned, stable weights. */
module org.filigree.mhc {
    requires transitive org.filigree.core;
    requires jdk.incubator.vector;
    requires static org.jspecify;

    exports org.filigree.mhc;

    provides org.filigree.core.backend.KernelProvider with
            org.filigree.mhc.VectorSinkhornProvider,
            org.filigree.mhc.VectorSubLayerProvider;
}
