/** The {@code ojalgo} backend: double precision on ojAlgo, the reference that every other backend is measured by. */
module org.filigree.ojalgo {
    requires transitive org.filigree.core;
    requires ojalgo;
    requires static org.jspecify;

    exports org.filigree.ojalgo;

    provides org.filigree.core.backend.BackendProvider with
            org.filigree.ojalgo.OjalgoBackendProvider;
}
