package org.filigree.core.backend;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/**
 * Chooses a backend: by explicit name, else by the system property {@value #PROPERTY}, else by the environment variable
 * {@value #VARIABLE}, else the usable one with the highest preference. What was taken, and why the others were not, goes to the
 * {@link System.Logger} of this class, in one line, as a warning if a better one was there but could not be used.
 */
public final class Backends {
    /** System property that names a backend. */
    public static final String PROPERTY = "filigree.backend";

    /** Environment variable that names a backend. */
    public static final String VARIABLE = "FILIGREE_BACKEND";

    private static final System.Logger LOG = System.getLogger(Backends.class.getName());

    /** Ends the search where the service loader fails on the same provider again and again. */
    private static final int MOST_FAILURES = 100;

    private Backends() {}

    /**
     * Opens the backend that the property or the variable names, else the best that is usable here.
     *
     * @return a backend that the caller closes
     * @throws BackendException if the named one is unknown or unusable
     */
    public static Backend best() {
        String named = System.getProperty(PROPERTY);
        if (named == null || named.isBlank()) {
            named = System.getenv(VARIABLE);
        }
        return named == null || named.isBlank() ? best(providers()) : open(named.strip(), providers());
    }

    /**
     * Opens a backend by name.
     *
     * @param name for example {@code vector}
     * @return a backend that the caller closes
     * @throws BackendException if it is unknown or unusable
     */
    public static Backend open(String name) {
        return open(name, providers());
    }

    /** {@return every provider on the class path and module path that can be loaded, best first; a warning tells of others} */
    public static List<BackendProvider> providers() {
        return loadable(ServiceLoader.load(BackendProvider.class, BackendProvider.class.getClassLoader())).stream()
                .sorted(Comparator.comparingInt(BackendProvider::preference)
                        .reversed()
                        .thenComparing(BackendProvider::name))
                .toList();
    }

    static List<BackendProvider> loadable(Iterable<BackendProvider> loader) {
        var found = new ArrayList<BackendProvider>();
        Iterator<BackendProvider> providers = loader.iterator();
        int failures = 0;
        while (failures < MOST_FAILURES) {
            try {
                if (!providers.hasNext()) {
                    break;
                }
                found.add(providers.next());
            } catch (ServiceConfigurationError | LinkageError broken) {
                failures++;
                LOG.log(System.Logger.Level.WARNING, "a backend is left out, its provider cannot be loaded", broken);
            }
        }
        return found;
    }

    /**
     * What each backend says about this machine, best first.
     *
     * @return one line a backend: name, usable or not, detail or reason
     */
    public static String report() {
        return report(providers());
    }

    static String report(List<BackendProvider> providers) {
        return providers.stream()
                .map(provider -> switch (provider.probe()) {
                    case Probe.Usable(String detail) -> provider.name() + ": usable (" + detail + ")";
                    case Probe.Unusable(String reason) -> provider.name() + ": not usable: " + reason;
                })
                .collect(Collectors.joining(System.lineSeparator()));
    }

    static Backend best(List<BackendProvider> providers) {
        var refused = new StringBuilder();
        for (BackendProvider provider : providers) {
            if (provider.preference() < 0) {
                continue;
            }
            switch (provider.probe()) {
                case Probe.Usable(String detail) -> {
                    System.Logger.Level level =
                            refused.isEmpty() ? System.Logger.Level.INFO : System.Logger.Level.WARNING;
                    LOG.log(level, "backend {0} ({1}){2}", provider.name(), detail, refused);
                    return provider.open();
                }
                case Probe.Unusable(String reason) ->
                    refused.append("; ")
                            .append(provider.name())
                            .append(" not used: ")
                            .append(reason);
            }
        }
        throw new BackendException("no usable backend" + refused);
    }

    static Backend open(String name, List<BackendProvider> providers) {
        for (BackendProvider provider : providers) {
            if (provider.name().equalsIgnoreCase(name)) {
                switch (provider.probe()) {
                    case Probe.Usable(String detail) -> {
                        LOG.log(System.Logger.Level.DEBUG, "backend {0} ({1}), as asked", name, detail);
                        return provider.open();
                    }
                    case Probe.Unusable(String reason) ->
                        throw new BackendException("backend " + name + " is not usable: " + reason);
                }
            }
        }
        throw new BackendException("no backend is called " + name + "; there are: "
                + providers.stream().map(BackendProvider::name).collect(Collectors.joining(", "))
                + " (nd4j and ojalgo need their artifacts filigree-nd4j and filigree-ojalgo)");
    }
}
