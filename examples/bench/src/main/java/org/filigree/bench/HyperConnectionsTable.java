package org.filigree.bench;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.op.Affine;
import org.filigree.core.tensor.Tensor;
import org.filigree.mhc.HyperConnections;
import org.filigree.mhc.HyperConnectionsConfig;
import org.filigree.mhc.Mixing;
import org.filigree.mhc.Sinkhorn;

/** Manifold-constrained hyper-connections with four streams: the mixing matrices, a whole sub-layer, and what they cost a block. */
final class HyperConnectionsTable implements Table {
    private static final int N = 4;
    private static final int WIDTH = 1024;
    private static final int TOKENS = 8192;
    private static final int ITERATIONS = 20;
    private static final double EPS = 1e-6;

    private static final int HEADS = 16;
    private static final int HIDDEN = 2816;
    private static final int BATCH = 8;
    private static final int BLOCK_TOKENS = 512;

    @Override
    public String name() {
        return "hyper";
    }

    @Override
    public String title() {
        return "Hyper-connections, " + N + " streams, float32";
    }

    @Override
    public List<Workload> rows() {
        return List.of(sinkhorn(), sinkhornBothWays(), subLayer(), block());
    }

    private static Workload sinkhorn() {
        // A step adds n² numbers to sums that begin with ε, divides n times and multiplies n².
        double flops = (double) TOKENS * steps() * (2 * N * N + N);
        return new Workload(
                "Sinkhorn [" + TOKENS + ", 4, 4]",
                flops,
                0,
                2e-6,
                List.of(new Target.TimesPeer(10)),
                "sinkhorn",
                sizes(),
                backend -> {
                    Tensor logits = logits(backend);
                    return () -> List.of(Sinkhorn.sinkhorn(logits, ITERATIONS, EPS));
                });
    }

    private static Workload sinkhornBothWays() {
        // The result, its steps once more for the gradient, and n² additions and multiply-adds for each step back.
        double flops = (double) TOKENS * steps() * (2 * (2 * N * N + N) + 3 * N * N);
        return new Workload(
                "Sinkhorn, both ways [" + TOKENS + ", 4, 4]",
                flops,
                0,
                1e-5,
                List.of(new Target.TimesPeer(20)),
                "sinkhorn_gradient",
                sizes(),
                backend -> {
                    Tensor logits = logits(backend);
                    Tensor upstream = Inputs.tensor(backend, 2, TOKENS, N, N);
                    return () -> BothWays.run(
                            leaves -> Sinkhorn.sinkhorn(leaves.getFirst(), ITERATIONS, EPS), upstream, logits);
                });
    }

    private static int steps() {
        return 2 * ITERATIONS - 1;
    }

    private static Tensor logits(Backend backend) {
        return Affine.scale(Inputs.tensor(backend, 1, TOKENS, N, N), 4);
    }

    private static Workload subLayer() {
        // In rows of one stream. Forward: X read and u written before the inner layer; X and y read and X′ written
        // after it.
        int forward = N + 1 + N + 1 + N;
        // Backward: y and ∂X′ read and ∂y written before the inner layer's turn; X, ∂X′ and ∂u read and ∂X written
        // after it. The gradient of the mix needs X and ∂X′ as well, and gets them there.
        int backward = 1 + N + 1 + N + N + 1 + N;
        return new Workload(
                "mHC sub-layer, both ways [" + TOKENS + ", 4, " + WIDTH + "]",
                0,
                4.0 * (forward + backward) * TOKENS * WIDTH,
                // Gradients of parameters sum over all tokens, those of scale over 8192 · 16 numbers.
                1e-2,
                List.of(new Target.TimesPeer(4), new Target.ShareOfBandwidth(0.5)),
                "hyper_connections_gradient",
                Map.of("tokens", TOKENS, "n", N, "width", WIDTH, "iterations", ITERATIONS),
                HyperConnectionsTable::subLayer);
    }

    private static Work subLayer(Backend backend) {
        int rows = N * (N + 2);
        // Projections of about unit size, so that weights differ between tokens.
        Tensor fn = Affine.scale(Inputs.tensor(backend, 2, rows, N * WIDTH), 1.0 / 64);
        ParameterMap parameters = ParameterMap.empty()
                .with("fn", Parameter.learned(fn))
                .with("base", Parameter.learned(Inputs.tensor(backend, 3, rows)))
                .with("scale", Parameter.learned(Inputs.tensor(backend, 4, 3)));
        HyperConnections connections = mixed().over(parameters);
        Tensor streams = Inputs.tensor(backend, 1, TOKENS, N, WIDTH);
        Tensor upstream = Inputs.tensor(backend, 5, TOKENS, N, WIDTH);
        return () -> {
            Tensor leaf = Autograd.leaf(streams);
            Tensor y = connections.apply(leaf, u -> u);
            Gradients gradients = Autograd.backward(y, upstream);
            Stream<Tensor> leaves = Stream.of("fn", "base", "scale")
                    .map(path -> parameters.get(path).value());
            return Stream.concat(
                            Stream.of(y), Stream.concat(Stream.of(leaf), leaves).map(gradients::of))
                    .toList();
        };
    }

    private static Workload block() {
        return new Workload(
                "training step of a block with mHC [" + BATCH + ", " + BLOCK_TOKENS + ", " + WIDTH + "], " + HEADS
                        + " heads, SwiGLU " + HIDDEN,
                blockFlops(),
                0,
                0,
                List.of(new Target.CostOver(1.1, "plain residual", backend -> blockStep(backend, residual()))),
                Workload.NO_PEER,
                Map.of(),
                backend -> blockStep(backend, mixed()));
    }

    /** Products of the block alone: four projections, logits and values of all keys, three of SwiGLU; twice as many backward. */
    private static double blockFlops() {
        double token = 2.0 * WIDTH * (4 * WIDTH + 2 * BLOCK_TOKENS + 3 * HIDDEN);
        return 3 * token * BATCH * BLOCK_TOKENS;
    }

    private static Work blockStep(Backend backend, HyperConnectionsConfig connections) {
        var block = new CausalBlock(backend, connections, HEADS, BLOCK_TOKENS, HIDDEN);
        int n = connections.streams();
        Tensor streams = Inputs.tensor(backend, 1, BATCH, BLOCK_TOKENS, n, WIDTH);
        Tensor upstream = Inputs.tensor(backend, 2, BATCH, BLOCK_TOKENS, n, WIDTH);
        return () -> block.trainingStep(streams, upstream);
    }

    private static HyperConnectionsConfig mixed() {
        return HyperConnections.of(N, WIDTH, Mixing.sinkhorn(ITERATIONS));
    }

    private static HyperConnectionsConfig residual() {
        return HyperConnections.of(1, WIDTH, Mixing.residual());
    }

    private static Map<String, Object> sizes() {
        return Map.of("tokens", TOKENS, "n", N, "iterations", ITERATIONS);
    }
}
