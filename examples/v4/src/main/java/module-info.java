/** Reference assemblies of Filigree's blocks: corpora of source code, baselines, and reports of training runs. */
module org.filigree.v4 {
    requires com.fasterxml.jackson.annotation;
    requires java.desktop;
    requires org.filigree.core;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports org.filigree.v4.baseline;
    exports org.filigree.v4.data;
    exports org.filigree.v4.report;
}
