/** Key-value caches for incremental decoding: what a sequence's past tokens left behind, row by row and layer by layer. */
module org.filigree.kvcache {
    requires transitive org.filigree.core;
    requires jdk.incubator.vector;
    requires static org.jspecify;

    exports org.filigree.kvcache;
}
