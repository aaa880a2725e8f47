package org.filigree.core.testkit;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ArbitrarySupplier;
import org.filigree.core.backend.Backend;

/** One of the backends that blocks must run on, for properties: {@code @ForAll(supplier = AnyBackend.class) Backend backend}. */
public final class AnyBackend implements ArbitrarySupplier<Backend> {
    /** For jqwik. */
    public AnyBackend() {}

    @Override
    public Arbitrary<Backend> get() {
        return Arbitraries.of(TestBackends.all(TestBackends.BLOCKS));
    }

    /** One of the backends that core brings. */
    public static final class OfCore implements ArbitrarySupplier<Backend> {
        /** For jqwik. */
        public OfCore() {}

        @Override
        public Arbitrary<Backend> get() {
            return Arbitraries.of(TestBackends.all(TestBackends.CORE));
        }
    }
}
