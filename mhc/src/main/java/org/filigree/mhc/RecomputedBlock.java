package org.filigree.mhc;

import java.util.ArrayList;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Some sub-layers in a row, of which the graph holds the first state and the outputs of the sub-layers alone. The graph has the same
 * form as without: one operation that reads and one that writes around each sub-layer's own graph, so that gradients which reach a
 * sub-layer's input by other ways, such as auxiliary losses, arrive too. But these operations save nothing, and between them goes a
 * {@link ForgottenState} in the place of the streams. The first of them that the backward pass visits, which is the last of the
 * block, computes the block again; each lets go of its part when both its halves are done. What was computed again belongs to the
 * graph, so one graph goes back in one thread at a time.
 */
final class RecomputedBlock {
    private final Tensor first;
    private final List<HyperConnections> connections = new ArrayList<>();
    private final List<Tensor> outputs = new ArrayList<>();
    private final List<@Nullable CutStep> again = new ArrayList<>();

    private RecomputedBlock(Tensor first) {
        this.first = first;
    }

    /** What {@link HyperConnected} does for its sub-layers, with the same bits. */
    static Tensor forward(Tensor streams, List<HyperConnected.SubLayer> subLayers, Context context) {
        RecomputedBlock block = new RecomputedBlock(Autograd.detach(streams));
        Tensor x = block.first;
        Tensor lineage = streams;
        for (int i = 0; i < subLayers.size(); i++) {
            int place = i;
            Tensor state = x;
            HyperConnections own = subLayers.get(i).connections();
            MixListener.tell(context, own, state);
            CutStep step = Autograd.withoutGradients(() -> own.cut(state));
            block.connections.add(own);
            List<Tensor> read = Autograd.record(
                    "read again",
                    operands(lineage, own),
                    readings(step),
                    upstream -> block.readGradient(place, upstream));
            Tensor u = read.getFirst();
            Tensor y = HyperConnections.output(u, subLayers.get(i).layer().forward(u, context));
            Tensor output = Autograd.detach(y);
            block.outputs.add(output);
            x = step.next(output);
            boolean last = i == subLayers.size() - 1;
            var written = new ArrayList<>(read);
            written.set(0, y);
            lineage = Autograd.record(
                    "write again",
                    written,
                    last ? x : ForgottenState.of(x),
                    dNext -> block.step(place).writeGradient(output, dNext));
        }
        return lineage;
    }

    private static List<Tensor> operands(Tensor streams, HyperConnections connections) {
        var operands = new ArrayList<Tensor>();
        operands.add(streams);
        connections.parameters().forEach((name, parameter) -> operands.add(parameter.value()));
        return operands;
    }

    private static List<Tensor> readings(CutStep step) {
        var readings = new ArrayList<Tensor>();
        readings.add(step.u());
        step.past().forEach(tensor -> readings.add(ForgottenState.of(tensor)));
        return readings;
    }

    private List<@Nullable Tensor> readGradient(int place, List<? extends @Nullable Tensor> upstream) {
        List<@Nullable Tensor> gradients = step(place).readGradient(upstream);
        again.set(place, null);
        return gradients;
    }

    private CutStep step(int place) {
        CutStep ready = place < again.size() ? again.get(place) : null;
        return ready == null ? computedAgain(place) : ready;
    }

    private CutStep computedAgain(int upTo) {
        again.clear();
        Tensor x = first;
        for (int place = 0; ; place++) {
            Tensor state = Autograd.leaf(x);
            HyperConnections own = connections.get(place);
            CutStep step = Autograd.withGradients(() -> own.cut(state));
            again.add(step);
            if (place == upTo) {
                return step;
            }
            x = step.next(outputs.get(place));
        }
    }
}
