/**
 * Reference assemblies of Filigree's blocks: the predicted DeepSeek-V4, its training on source code beside baselines, generation, and the
 * {@code filigree} command line.
 */
module org.filigree.v4 {
    requires com.fasterxml.jackson.annotation;
    requires info.picocli;
    requires java.desktop;
    requires java.logging;
    requires java.management;
    requires transitive org.filigree.attention;
    requires transitive org.filigree.core;
    requires transitive org.filigree.engram;
    requires transitive org.filigree.kvcache;
    requires transitive org.filigree.mhc;
    requires transitive org.filigree.moe;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports org.filigree.v4;
    exports org.filigree.v4.baseline;
    exports org.filigree.v4.context;
    exports org.filigree.v4.data;
    exports org.filigree.v4.generate;
    exports org.filigree.v4.report;
    exports org.filigree.v4.stability;
    exports org.filigree.v4.train;

    opens org.filigree.v4.cli to
            info.picocli;
}
