package org.filigree.nd4j;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendProvider;
import org.filigree.core.backend.Backends;
import org.filigree.core.backend.Probe;
import org.filigree.core.op.Gather;
import org.filigree.core.op.ScatterAdd;
import org.filigree.core.op.TopK;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;

class Nd4jBackendTest {
    @Test
    void isFoundOnTheClassPathBetweenVectorAndScalar() {
        List<String> names =
                Backends.providers().stream().map(BackendProvider::name).toList();
        assertEquals(List.of("vector", "nd4j", "scalar", "ojalgo"), names);
        assertTrue(Backends.report().contains("nd4j: usable (float32, ND4J)"), Backends.report());
    }

    @Test
    void saysWhyItIsUnusableWithoutNd4j() throws Exception {
        try (URLClassLoader alone = onlyFiligree()) {
            Object provider = alone.loadClass(Nd4jBackendProvider.class.getName())
                    .getConstructor()
                    .newInstance();
            Probe probe = ((BackendProvider) provider).probe();
            String reason = assertInstanceOf(Probe.Unusable.class, probe).reason();
            assertTrue(reason.contains("org.nd4j.linalg.factory.Nd4j is not on the class path"), reason);
        }
    }

    /** Sees core, this artifact and the JDK, but not ND4J. */
    private static URLClassLoader onlyFiligree() throws IOException {
        URL own =
                Nd4jBackendProvider.class.getProtectionDomain().getCodeSource().getLocation();
        ClassLoader application = Nd4jBackendTest.class.getClassLoader();
        return new URLClassLoader(new URL[] {own}, new ClassLoader(ClassLoader.getPlatformClassLoader()) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                if (name.startsWith("org.filigree.core.")) {
                    return application.loadClass(name);
                }
                throw new ClassNotFoundException(name);
            }
        });
    }

    @Test
    void countsWhatGoesThroughHostMemory() {
        try (Backend backend = Backends.open("nd4j")) {
            Tensor x = backend.tensors().floats(Shape.of(3, 2), new float[] {1, 2, 3, 4, 5, 6});
            Tensor rows = backend.tensors().ints(Shape.of(3), new int[] {2, -1, 2});
            assertClose("gather", new double[] {5, 6, 0, 0, 5, 6}, Gather.gather(x, rows), Tolerance.EXACT);
            assertTrue(backend.detail().contains(", 0 operations through host memory"), backend.detail());
            assertClose(
                    "scatterAdd", new double[] {0, 0, 0, 0, 6, 8}, ScatterAdd.scatterAdd(x, rows, 3), Tolerance.EXACT);
            TopK.topK(x, 1);
            assertTrue(backend.detail().contains(", 2 operations through host memory"), backend.detail());
            assertTrue(backend.toString().startsWith("nd4j (float32, "), backend.toString());
        }
    }

    @Test
    void assignOverwritesInPlaceAndNothingElse() {
        Backend backend = TestBackends.get("nd4j");
        Tensor target = backend.tensors().floats(Shape.of(2, 2), new float[] {1, 2, 3, 4});
        Tensor copy = backend.layout().slice(target, 0, 0, 1);
        Tensor view = target.viewedAs(Shape.of(4));
        backend.tensors().assign(target, backend.tensors().full(Shape.of(2, 2), 9));
        assertClose("a view follows", new double[] {9, 9, 9, 9}, view, Tolerance.EXACT);
        assertClose("a copy does not", new double[] {1, 2}, copy, Tolerance.EXACT);
    }
}
