package org.filigree.core.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import org.filigree.core.op.Arithmetic;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Thrown;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Selection among made-up providers, without the hardware that real ones need. */
class BackendsTest {
    private static final Backend OPENED = (Backend) Proxy.newProxyInstance(
            BackendsTest.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, arguments) -> null);

    private record Fake(String name, int preference, Probe probe) implements BackendProvider {
        static Fake usable(String name, int preference) {
            return new Fake(name, preference, new Probe.Usable("made up"));
        }

        static Fake unusable(String name, int preference, String reason) {
            return new Fake(name, preference, new Probe.Unusable(reason));
        }

        @Override
        public Backend open() {
            if (probe instanceof Probe.Unusable) {
                throw new AssertionError(name + " was opened although it is unusable");
            }
            return OPENED;
        }
    }

    @AfterEach
    void forget() {
        System.clearProperty(Backends.PROPERTY);
    }

    @Test
    void takesTheFirstUsableAndSkipsTheUnusable() {
        assertSame(
                OPENED, Backends.best(List.of(Fake.unusable("device", 200, "no driver"), Fake.usable("vector", 100))));
    }

    @Test
    void neverTakesANegativePreferenceUnasked() {
        var thrown = assertThrows(
                BackendException.class,
                () -> Backends.best(List.of(Fake.unusable("device", 200, "no driver"), Fake.usable("wide", -1))));
        assertEquals("no usable backend; device not used: no driver", thrown.getMessage());
        assertSame(OPENED, Backends.open("wide", List.of(Fake.usable("wide", -1))));
    }

    @Test
    void saysWhyANamedBackendIsNotThere() {
        List<BackendProvider> providers =
                List.of(Fake.unusable("device", 200, "no driver"), Fake.usable("vector", 100));
        var unusable = assertThrows(BackendException.class, () -> Backends.open("device", providers));
        assertEquals("backend device is not usable: no driver", unusable.getMessage());
        String unknown = Thrown.message(BackendException.class, () -> Backends.open("gpu", providers));
        assertTrue(unknown.startsWith("no backend is called gpu; there are: device, vector"), unknown);
    }

    @Test
    void aProviderThatCannotBeLoadedIsLeftOut() {
        Fake usable = Fake.usable("vector", 100);
        Iterator<BackendProvider> loading = new Iterator<>() {
            private int at;

            @Override
            public boolean hasNext() {
                return at < 2;
            }

            @Override
            public BackendProvider next() {
                if (at++ == 0) {
                    throw new ServiceConfigurationError("made up");
                }
                return usable;
            }
        };
        assertEquals(List.of(usable), Backends.loadable(() -> loading));
    }

    @Test
    void reportsEveryCandidateOnALine() {
        assertEquals(
                "device: not usable: no driver" + System.lineSeparator() + "vector: usable (made up)",
                Backends.report(List.of(Fake.unusable("device", 200, "no driver"), Fake.usable("vector", 100))));
    }

    @Test
    void findsCoresOwnBestFirst() {
        List<String> names =
                Backends.providers().stream().map(BackendProvider::name).toList();
        assertEquals(List.of("vector", "scalar"), names);
    }

    @Test
    void aBackendSaysWhatItIs() {
        try (Backend scalar = Backends.open("scalar");
                Backend vector = Backends.open("vector")) {
            assertEquals("scalar (float32, plain loops, one thread)", scalar.toString());
            String wide = vector.toString();
            assertTrue(wide.matches("vector \\(float32, \\d+-bit vectors, \\d+ threads?\\)"), wide);
        }
    }

    @Test
    void aClosedBackendSaysSo() {
        Backend vector = Backends.open("vector");
        Tensor x = vector.tensors().zeros(Shape.of(1 << 20));
        vector.close();
        String message = Thrown.message(IllegalStateException.class, () -> Arithmetic.add(x, x));
        assertTrue(message.contains("the backend was closed before this operation; keep it open"), message);
    }

    @Test
    void thePropertyDecidesWhereNothingWasNamed() {
        System.setProperty(Backends.PROPERTY, " Scalar ");
        try (Backend backend = Backends.best()) {
            assertEquals("scalar", backend.name());
        }
        System.setProperty(Backends.PROPERTY, "none-such");
        assertThrows(BackendException.class, Backends::best);
    }
}
