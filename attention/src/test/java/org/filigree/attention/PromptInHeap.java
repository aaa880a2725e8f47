package org.filigree.attention;

import java.util.ArrayList;
import java.util.List;
import org.filigree.attention.compressed.LatentIndexerConfig;
import org.filigree.attention.compressed.SourcePattern;
import org.filigree.attention.compressed.SourcedAttentionConfig;
import org.filigree.attention.compressed.Sources;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** A process that runs a long prompt through layers that choose keys, for {@link MemoryTest} to run in a heap of known size. */
final class PromptInHeap {
    private static final int WIDTH = 16;

    private PromptInHeap() {}

    /** Backend, choice, tokens. */
    public static void main(String[] arguments) {
        int tokens = Integer.parseInt(arguments[2]);
        try (Backend backend = Backends.open(arguments[0])) {
            float[] values = new float[tokens * WIDTH];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) Math.sin(0.37 * i);
            }
            Tensor x = backend.tensors().floats(Shape.of(1, tokens, WIDTH), values);
            Context context = Context.inference().with(Sources.KEY, new Sources());
            Tensor output = x;
            for (Layer layer : layers(arguments[1], backend)) {
                output = layer.forward(output, context);
            }
            System.out.println(output.toFloats()[tokens * WIDTH - 1]);
        }
    }

    private static List<Layer> layers(String choice, Backend backend) {
        RandomStream random = RandomStream.of(7);
        var config = LatentAttentionConfig.of(WIDTH, 1).withForm(LatentForm.ABSORBED);
        return switch (choice) {
            case "WINDOW" -> List.of(config.withSelector(SlidingWindow.of(8)).init(backend, random));
            case "BEST" ->
                List.of(config.withScorer(IndexerConfig.of(1, 8))
                        .withSelector(TopK.of(8))
                        .init(backend, random));
            case "CANDIDATES" -> {
                var pattern = new SourcePattern(List.of(1, 1), List.of(0), List.of(0, 1), 0, TopBlocks.byBest(5, 8));
                SourcedAttentionConfig sizes = SourcedAttentionConfig.of(WIDTH, 1);
                var layers = new ArrayList<Layer>();
                for (SourcedAttentionConfig each : SourcedAttentionConfig.layers(
                        pattern, sizes.head(), 16, sizes.rotary(), LatentIndexerConfig.of(1, 8), 8)) {
                    layers.add(each.init(backend, random.fork("layer " + layers.size())));
                }
                yield layers;
            }
            default -> throw new IllegalArgumentException("no choice " + choice);
        };
    }
}
