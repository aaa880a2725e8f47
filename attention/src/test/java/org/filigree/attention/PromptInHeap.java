package org.filigree.attention;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.nn.Context;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** A process that runs a long prompt through a layer that chooses keys, for {@link MemoryTest} to run in a heap of known size. */
final class PromptInHeap {
    private static final int WIDTH = 16;

    private PromptInHeap() {}

    /** Backend, choice, tokens. */
    public static void main(String[] arguments) {
        int tokens = Integer.parseInt(arguments[2]);
        var config = LatentAttentionConfig.of(WIDTH, 1).withForm(LatentForm.ABSORBED);
        var chosen = switch (arguments[1]) {
            case "WINDOW" -> config.withSelector(SlidingWindow.of(8));
            case "BEST" -> config.withScorer(IndexerConfig.of(1, 8)).withSelector(TopK.of(8));
            default -> throw new IllegalArgumentException("no choice " + arguments[1]);
        };
        try (Backend backend = Backends.open(arguments[0])) {
            float[] values = new float[tokens * WIDTH];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) Math.sin(0.37 * i);
            }
            Tensor x = backend.tensors().floats(Shape.of(1, tokens, WIDTH), values);
            Tensor output = chosen.init(backend, RandomStream.of(7)).forward(x, Context.inference());
            System.out.println(output.toFloats()[tokens * WIDTH - 1]);
        }
    }
}
