package org.filigree.v4.generate;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.v4.PredictionHead;
import org.filigree.v4.V4;
import org.filigree.v4.V4Cache;
import org.filigree.v4.data.ByteVocabulary;
import org.filigree.v4.data.FillInTheMiddle;

/** Lets a byte-level model write: token by token, each pass reading what the passes before left in a cache. */
public final class Generator {
    private final V4 model;

    /**
     * A generator.
     *
     * @param model trained on bytes
     * @throws IllegalArgumentException if the model's vocabulary is not that of bytes
     */
    public Generator(V4 model) {
        if (model.config().vocabulary() != ByteVocabulary.SIZE) {
            throw new IllegalArgumentException(
                    "generate: the model has " + model.config().vocabulary()
                            + " token ids, but bytes with their marks have " + ByteVocabulary.SIZE);
        }
        this.model = model;
    }

    /**
     * Continues a text.
     *
     * @param prompt the text
     * @param bytes most bytes to add
     * @param sampling how bytes are chosen
     * @param random source of chance
     * @return what comes after the prompt
     */
    public String complete(String prompt, int bytes, Sampling sampling, RandomStream random) {
        int[] text = ByteVocabulary.encode(prompt);
        int[] ids = new int[text.length + 1];
        ids[0] = ByteVocabulary.SEPARATOR;
        System.arraycopy(text, 0, ids, 1, text.length);
        return generate(model.language(), ids, bytes, sampling, random);
    }

    /**
     * Fills the gap between two texts.
     *
     * @param prefix text before the gap
     * @param suffix text after it
     * @param bytes most bytes to add
     * @param sampling how bytes are chosen
     * @param random source of chance
     * @return what belongs between them
     */
    public String fill(String prefix, String suffix, int bytes, Sampling sampling, RandomStream random) {
        return generate(model.completion(), FillInTheMiddle.prompt(prefix, suffix), bytes, sampling, random);
    }

    private String generate(PredictionHead head, int[] prompt, int bytes, Sampling sampling, RandomStream random) {
        Check.positive("generate: bytes", bytes);
        return Autograd.withoutGradients(() -> {
            var out = new ByteArrayOutputStream();
            try (V4Cache cache = model.cache(prompt.length + bytes)) {
                int[] next = prompt;
                while (out.size() < bytes) {
                    float[] logits = logits(head, next, cache);
                    int id = sampling.choose(logits, ByteVocabulary.BYTES, ByteVocabulary.SEPARATOR, random);
                    if (id == ByteVocabulary.SEPARATOR) {
                        break;
                    }
                    out.write(id);
                    next = new int[] {id};
                }
            }
            return out.toString(StandardCharsets.UTF_8);
        });
    }

    private float[] logits(PredictionHead head, int[] ids, V4Cache cache) {
        Backend backend = model.backend();
        Tensor tokens = backend.tensors().ints(Shape.of(1, ids.length), ids);
        Context context = Context.inference(tokens).at(cache.length()).with(V4Cache.KEY, cache);
        Tensor hidden = model.hidden(tokens, context);
        return head.forward(Slice.slice(hidden, 1, ids.length - 1, ids.length)).toFloats();
    }
}
