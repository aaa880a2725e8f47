package org.filigree.core.backend;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The fused kernels of one open backend: its own, and those that other modules provide for its name. */
public final class KernelRegistry {
    private final Map<Class<? extends FusedKernel>, FusedKernel> kernels;

    private KernelRegistry(Map<Class<? extends FusedKernel>, FusedKernel> kernels) {
        this.kernels = Map.copyOf(kernels);
    }

    /**
     * Collects kernels; a provided one replaces the backend's own of the same interface.
     *
     * @param backend the backend that asks
     * @param own its own kernels, by interface
     * @return the registry
     * @throws IllegalStateException if two providers bring the same interface to this backend
     */
    public static KernelRegistry of(Backend backend, Map<Class<? extends FusedKernel>, FusedKernel> own) {
        return of(backend, own, ServiceLoader.load(KernelProvider.class, KernelProvider.class.getClassLoader()));
    }

    static KernelRegistry of(
            Backend backend, Map<Class<? extends FusedKernel>, FusedKernel> own, Iterable<KernelProvider> providers) {
        var provided = new LinkedHashMap<Class<? extends FusedKernel>, KernelProvider>();
        for (KernelProvider provider : providers) {
            if (provider.backend().equals(backend.name())) {
                KernelProvider other = provided.put(provider.type(), provider);
                if (other != null) {
                    throw new IllegalStateException("backend " + backend.name() + ": both "
                            + other.getClass().getName() + " and "
                            + provider.getClass().getName() + " provide "
                            + provider.type().getSimpleName() + "; leave one of their artifacts out");
                }
            }
        }
        var all = new HashMap<Class<? extends FusedKernel>, FusedKernel>();
        own.forEach((type, kernel) -> all.put(type, type.cast(kernel)));
        provided.forEach((type, provider) -> all.put(type, type.cast(provider.create(backend))));
        return new KernelRegistry(all);
    }

    /**
     * Looks a kernel up.
     *
     * @param type its interface
     * @param <K> its interface
     * @return the kernel, or empty
     */
    public <K extends FusedKernel> Optional<K> find(Class<K> type) {
        return Optional.ofNullable(type.cast(kernels.get(type)));
    }

    /** {@return simple names of the interfaces that are covered, sorted} */
    public Set<String> names() {
        return kernels.keySet().stream().map(Class::getSimpleName).collect(Collectors.toCollection(TreeSet::new));
    }
}
