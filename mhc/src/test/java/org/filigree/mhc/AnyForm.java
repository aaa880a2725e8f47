package org.filigree.mhc;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ArbitrarySupplier;

/** One of the forms that {@code apply} knows, but for the plain residual. */
final class AnyForm implements ArbitrarySupplier<Mixing> {
    /** For jqwik. */
    public AnyForm() {}

    @Override
    public Arbitrary<Mixing> get() {
        return Arbitraries.oneOf(new Constrained().get(), Arbitraries.of(Mixing.fixed(), new Mixing.Dynamic(0.5)));
    }

    /** One of those whose mix is made of logits. */
    static final class Constrained implements ArbitrarySupplier<Mixing> {
        /** For jqwik. */
        public Constrained() {}

        @Override
        public Arbitrary<Mixing> get() {
            return Arbitraries.of(
                    Mixing.sinkhorn(20),
                    new Mixing.DoublyStochastic(20, 0),
                    Mixing.paper(20),
                    Mixing.permutations(),
                    Mixing.kronecker(),
                    Mixing.identity());
        }
    }

    /** The number of streams nearest below that the form has. */
    static int streams(Mixing mixing, int streams) {
        return switch (mixing) {
            case Mixing.Permutations() -> Math.min(streams, 5);
            case Mixing.Kronecker() -> Integer.highestOneBit(streams);
            default -> streams;
        };
    }
}
