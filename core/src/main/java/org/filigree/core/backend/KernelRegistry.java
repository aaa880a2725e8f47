package org.filigree.core.backend;

import java.util.HashMap;
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
     * Collects kernels; a backend's own win over provided ones.
     *
     * @param backend the backend that asks
     * @param own its own kernels, by interface
     * @return the registry
     */
    public static KernelRegistry of(Backend backend, Map<Class<? extends FusedKernel>, FusedKernel> own) {
        var all = new HashMap<Class<? extends FusedKernel>, FusedKernel>();
        for (KernelProvider provider :
                ServiceLoader.load(KernelProvider.class, KernelProvider.class.getClassLoader())) {
            if (provider.backend().equals(backend.name())) {
                all.put(provider.type(), provider.type().cast(provider.create(backend)));
            }
        }
        own.forEach((type, kernel) -> all.put(type, type.cast(kernel)));
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
