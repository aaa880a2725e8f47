/** Engram: hashed n-gram conditional memory with context gating. */
module org.filigree.engram {
    requires transitive org.filigree.core;
    requires static org.jspecify;

    exports org.filigree.engram;
}
