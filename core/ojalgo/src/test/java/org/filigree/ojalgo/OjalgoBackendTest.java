package org.filigree.ojalgo;

import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.MatMul.transposedMatmul;
import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.op.Softmax;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.GradientCheck;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class OjalgoBackendTest {
    @Test
    void isFoundByNameButNeverTakenUnasked() {
        assertTrue(Backends.report().contains("ojalgo: usable (float64, ojAlgo)"), Backends.report());
        assertTrue(new OjalgoBackendProvider().preference() < 0);
    }

    @Test
    void keepsDoublePrecision() {
        Backend backend = TestBackends.get("ojalgo");
        Tensor third = backend.tensors().doubles(Shape.of(), new double[] {1 / 3.0});
        assertEquals(1 / 3.0, third.item());
        try (Backend opened = Backends.open("ojalgo")) {
            assertEquals("ojalgo (float64, ojAlgo)", opened.toString());
        }
    }

    @Test
    void multipliesInEveryForm() {
        Backend backend = TestBackends.get("ojalgo");
        Tensor a = Sample.real("a", Shape.of(2, 3), 1, 2, 3, 4, 5, 6).on(backend);
        Tensor aT = Sample.real("aT", Shape.of(3, 2), 1, 4, 2, 5, 3, 6).on(backend);
        Tensor b = Sample.real("b", Shape.of(3, 2), 7, 8, 9, 10, 11, 12).on(backend);
        Tensor bT = Sample.real("bT", Shape.of(2, 3), 7, 9, 11, 8, 10, 12).on(backend);
        double[] product = {58, 64, 139, 154};
        assertClose("a·b", product, matmul(a, b), Tolerance.EXACT);
        assertClose("a·bTᵀ", product, matmulTransposed(a, bT), Tolerance.EXACT);
        assertClose("aTᵀ·b", product, transposedMatmul(aT, b), Tolerance.EXACT);
    }

    @ParameterizedTest
    @EveryBackend
    void gradientsAgreeWithCentralDifferences(Backend backend) {
        var random = Seed.of("OjalgoBackendTest");
        List<Sample> inputs = List.of(Sample.gaussian("a", random, 3, 5), Sample.gaussian("b", random, 5, 7));
        GradientCheck.check(backend, inputs, 7, x -> Softmax.softmax(matmul(x.get(0), x.get(1))));
    }
}
