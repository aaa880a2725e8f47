package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.GradientCheck;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.api.Test;

class IndexerLossProperties {
    @Property(tries = 50)
    void isNeverNegativeAndZeroWhereOneHeadIsPredicted(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll @IntRange(min = 1, max = 6) int tokens,
            @ForAll @IntRange(min = 0, max = 4) int earlier,
            @ForAll @IntRange(min = 1, max = 12) int k,
            @ForAll long seed) {
        int keys = tokens + earlier;
        RandomStream random = RandomStream.of(seed);
        Tensor scores = Sample.gaussian("scores", random, 2, tokens, keys).on(backend);
        Tensor other = Sample.gaussian("logits", random, 2, tokens, 3, keys).on(backend);
        Tensor same = scores.viewedAs(Shape.of(2, tokens, 1, keys));
        for (IndexerLoss loss : List.of(IndexerLoss.dense(), IndexerLoss.sparse(k))) {
            assertTrue(loss.of(other, scores).item() > -1e-6);
            assertEquals(0, loss.of(same, scores).item(), 1e-6);
        }
    }

    @Property(tries = 10)
    void gradientAgreesWithCentralDifferences(@ForAll(supplier = AnyBackend.class) Backend backend, @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        List<Sample> inputs = List.of(
                Sample.gaussian("logits", random, 1, 4, 2, 5).constant(), Sample.gaussian("scores", random, 1, 4, 5));
        GradientCheck.check(backend, inputs, 32, t -> IndexerLoss.dense().of(t.get(0), t.get(1)));
    }

    @Property(tries = 20)
    void stagesAgreeWhereEveryKeyIsKept(@ForAll(supplier = AnyBackend.class) Backend backend, @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        Tensor scores = Sample.gaussian("scores", random, 1, 5, 7).on(backend);
        Tensor logits = Sample.gaussian("logits", random, 1, 5, 2, 7).on(backend);
        assertClose(
                "loss",
                IndexerLoss.dense().of(logits, scores),
                IndexerLoss.sparse(7).of(logits, scores),
                Tolerance.of(backend, 7));
    }

    @Test
    void theTargetGetsNoGradientAndShapesAreChecked() {
        Backend backend = TestBackends.get("scalar");
        Tensor logits = Autograd.leaf(backend.tensors().zeros(Shape.of(1, 2, 3, 2)));
        Tensor scores = Autograd.leaf(backend.tensors().zeros(Shape.of(1, 2, 2)));
        var gradients = Autograd.backward(IndexerLoss.dense().of(logits, scores));
        assertTrue(gradients.find(logits).isEmpty());
        assertTrue(gradients.find(scores).isPresent());
        assertThrows(ShapeException.class, () -> IndexerLoss.dense().of(scores, scores));
        assertThrows(
                ShapeException.class,
                () -> IndexerLoss.dense().of(logits, backend.tensors().zeros(Shape.of(1, 2, 3))));
    }

    /** A selector that keeps nothing leaves nothing to learn, and no NaN. */
    @Test
    void noKeysNoLoss() {
        Backend backend = TestBackends.get("scalar");
        Selector none = (scores, visibility) -> backend.tensors().ints(Shape.of(1, 2, 1), new int[] {-1, -1});
        Tensor scores = Autograd.leaf(backend.tensors().zeros(Shape.of(1, 2, 2)));
        Tensor loss = new IndexerLoss(none).of(backend.tensors().zeros(Shape.of(1, 2, 3, 2)), scores);
        assertEquals(0, loss.item());
        assertClose("gradient", new double[4], Autograd.backward(loss).of(scores), Tolerance.EXACT);
    }
}
