package org.filigree.core.backend;

import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.junit.jupiter.api.Test;

class KernelRegistryTest {
    private static final Backend SCALAR = TestBackends.get("scalar");

    private interface Kernel extends FusedKernel {}

    private record Made(String by) implements Kernel {}

    private record First(String backend) implements KernelProvider {
        @Override
        public Class<? extends FusedKernel> type() {
            return Kernel.class;
        }

        @Override
        public FusedKernel create(Backend open) {
            return PROVIDED;
        }
    }

    private record Second(String backend) implements KernelProvider {
        @Override
        public Class<? extends FusedKernel> type() {
            return Kernel.class;
        }

        @Override
        public FusedKernel create(Backend open) {
            return PROVIDED;
        }
    }

    private static final Made OWN = new Made("backend");
    private static final Made PROVIDED = new Made("provider");

    @Test
    void aProvidedKernelReplacesTheBackendsOwn() {
        var registry = KernelRegistry.of(SCALAR, Map.of(Kernel.class, OWN), List.of(new First("scalar")));
        assertSame(PROVIDED, registry.find(Kernel.class).orElseThrow());
    }

    @Test
    void kernelsForOtherBackendsAreLeftAlone() {
        var registry =
                KernelRegistry.of(SCALAR, Map.of(Kernel.class, OWN), List.of(new First("other"), new Second("other")));
        assertSame(OWN, registry.find(Kernel.class).orElseThrow());
    }

    @Test
    void twoProvidersOfOneKernelAreNamed() {
        String message = Thrown.message(
                IllegalStateException.class,
                () -> KernelRegistry.of(SCALAR, Map.of(), List.of(new First("scalar"), new Second("scalar"))));
        assertTrue(message.contains("First") && message.contains("Second") && message.contains("Kernel"), message);
    }
}
