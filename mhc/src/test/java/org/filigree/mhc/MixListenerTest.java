package org.filigree.mhc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.simd.TileProducts;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.junit.jupiter.params.ParameterizedTest;

class MixListenerTest {
    @ParameterizedTest
    @EveryBackend
    void hearsEverySubLayerInOrderAndChangesNoBit(Backend backend) {
        for (Mixing mixing : List.of(Mixing.sinkhorn(20), Mixing.fixed(), Mixing.dynamic())) {
            hearsEverySubLayer(backend, mixing, 5);
        }
        hearsEverySubLayer(backend, Mixing.sinkhorn(20), TileProducts.PANEL);
    }

    private static void hearsEverySubLayer(Backend backend, Mixing mixing, int width) {
        Layer layer = LinearConfig.of(width, width).init(backend, Seed.of("listener"));
        HyperConnected chain =
                HyperConnections.of(3, width, mixing).around(layer).then(layer);
        Tensor streams = Autograd.leaf(
                Sample.gaussian("x", Seed.of("listener"), 2, 4, 3, width).on(backend));
        var heard = new ArrayList<MixWeights>();
        var places = new ArrayList<HyperConnections>();
        Context listening = Context.training().with(MixListener.KEY, (connections, weights) -> {
            places.add(connections);
            heard.add(weights);
        });
        Tensor told = chain.forward(streams, listening);
        Tensor untold = chain.forward(streams, Context.training());
        assertArrayEquals(untold.toDoubles(), told.toDoubles());
        assertArrayEquals(
                Autograd.backward(untold, Autograd.detach(untold)).of(streams).toDoubles(),
                Autograd.backward(told, Autograd.detach(untold)).of(streams).toDoubles());
        assertEquals(2, places.size(), "once a sub-layer, and not in the pass without a listener");
        assertArrayEquals(
                places.getFirst().weights(streams).comb().toDoubles(),
                heard.getFirst().comb().toDoubles());
        assertFalse(heard.stream()
                .flatMap(w -> Stream.of(w.pre(), w.post(), w.comb()))
                .anyMatch(Autograd::differentiable));
    }

    @ParameterizedTest
    @EveryBackend
    void nothingIsComputedWhereNobodyListens(Backend backend) {
        HyperConnections connections =
                HyperConnections.of(3, 5, Mixing.sinkhorn(20)).init(backend, Seed.of("listener"));
        Tensor untouchable = ForgottenState.of(
                Sample.gaussian("x", Seed.of("listener"), 2, 3, 5).on(backend));
        MixListener.tell(Context.training(), connections, untouchable);
        Context listening = Context.training().with(MixListener.KEY, (heard, weights) -> {});
        assertThrows(RuntimeException.class, () -> MixListener.tell(listening, connections, untouchable));
    }
}
