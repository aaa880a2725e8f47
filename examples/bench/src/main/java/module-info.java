/** Side-by-side measurements of Filigree against this machine's limits and against peers; not published. */
module org.filigree.bench {
    requires jdk.incubator.vector;
    requires org.filigree.attention;
    requires org.filigree.core;
    requires org.filigree.kvcache;
    requires org.filigree.mhc;
    requires tools.jackson.databind;
    requires static org.jspecify;
}
