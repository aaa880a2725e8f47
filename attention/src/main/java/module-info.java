/** Latent attention and sparse attention: projections into a small latent, a choice of keys for every query, and attention over the choice. */
module org.filigree.attention {
    requires transitive org.filigree.core;
    requires transitive org.filigree.kvcache;
    requires jdk.incubator.vector;
    requires static org.jspecify;

    exports org.filigree.attention;
    exports org.filigree.attention.compressed;

    provides org.filigree.core.backend.KernelProvider with
            org.filigree.attention.VectorIndexScoresProvider,
            org.filigree.attention.VectorScaledDotProductProvider,
            org.filigree.attention.VectorSparseAttentionProvider,
            org.filigree.attention.VectorCachedAttentionProvider;
}
