/** Mixture of experts: routing, grouped experts and balance. */
module org.filigree.moe {
    requires transitive org.filigree.core;
    requires static org.jspecify;

    exports org.filigree.moe;
}
