package org.filigree.engram;

import static org.filigree.core.nn.LinearConfig.Bias;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Check;

/**
 * Sizes of the Engram layers of a model.
 *
 * @param width hidden width
 * @param streams residual streams of the hyper-connections; 1 without them
 * @param headWidth width of a table row
 * @param hash how token ids become table rows, and in which layers
 * @param gateZero sign of a zero score
 * @param bias whether keys and value have one
 * @param convolution what happens to gated values along the tokens
 * @param eps added to the mean squares of key and hidden state
 */
public record EngramConfig(
        int width,
        int streams,
        int headWidth,
        NgramHashConfig hash,
        GateZero gateZero,
        Bias bias,
        Convolution convolution,
        double eps) {
    /** Distance of one float32 from the next above 1: the eps that the demonstration programme takes by default. */
    private static final double FLOAT_EPSILON = 0x1p-23;

    /** What DeepSeek-V4.1 adds to mean squares. */
    private static final double RELEASED_EPSILON = 1e-20;

    private static final int RELEASED_VOCABULARY = 99_092;

    /** Checks the sizes. */
    public EngramConfig {
        Check.positive("engram: width", width);
        Check.positive("engram: streams", streams);
        Check.positive("engram: headWidth", headWidth);
        Check.notNegative("engram: eps", eps);
        Math.multiplyExact(Math.addExact(streams, 1), width);
        Math.multiplyExact(hash.columns(), headWidth);
    }

    /**
     * The form of DeepSeek-V4.1: four streams, no bias, no convolution, eps 10⁻²⁰.
     *
     * @param width hidden width
     * @param headWidth width of a table row
     * @param hash how token ids become table rows, and in which layers
     * @return the configuration
     */
    public static EngramConfig of(int width, int headWidth, NgramHashConfig hash) {
        return new EngramConfig(
                width, 4, headWidth, hash, GateZero.COPY_SIGN, Bias.ABSENT, Convolution.none(), RELEASED_EPSILON);
    }

    /**
     * For code: orders 2, 3 and 4, four heads each, 4 streams, a short convolution, one layer, number 0. A row is 1/32 of the width; a
     * head has five rows for each token of the vocabulary, but not fewer than 8192. Token 0 stands for padding.
     *
     * @param width hidden width
     * @param vocabulary from token ids to the ids that are hashed
     * @return the configuration
     */
    public static EngramConfig forCode(int width, VocabularyCompression vocabulary) {
        int longest = 4;
        int rows = Math.max(8192, Math.multiplyExact(5, vocabulary.vocabulary()));
        return of(width, Math.max(1, width / 32), NgramHashConfig.of(vocabulary, longest, 4, rows, 0, 0))
                .withConvolution(Convolution.ofKernel(4, longest));
    }

    /**
     * For code, without vocabulary compression.
     *
     * @param width hidden width
     * @param vocabulary number of token ids
     * @return the configuration
     */
    public static EngramConfig forCode(int width, int vocabulary) {
        return forCode(width, VocabularyCompression.identity(vocabulary));
    }

    /**
     * The published demonstration: width 1024, layers 1 and 15, orders 2 and 3, a convolution, biases.
     *
     * @param vocabulary of its tokenizer
     * @return the configuration
     */
    public static EngramConfig demo(VocabularyCompression vocabulary) {
        return published(1024, 64, NgramHashConfig.of(vocabulary, 3, 8, 646_400, 2, 1, 15));
    }

    /**
     * The paper's model of 27 billion parameters. Bias, eps and the gate at zero are not stated there; they are the demonstration's.
     *
     * @param vocabulary of its tokenizer
     * @return the configuration
     */
    public static EngramConfig paper27B(VocabularyCompression vocabulary) {
        return published(2560, 80, NgramHashConfig.of(vocabulary, 3, 8, 2_262_400, 2, 1, 14));
    }

    /**
     * The paper's model of 40 billion parameters. Bias, eps and the gate at zero are not stated there; they are the demonstration's.
     *
     * @param vocabulary of its tokenizer
     * @return the configuration
     */
    public static EngramConfig paper40B(VocabularyCompression vocabulary) {
        return published(2560, 80, NgramHashConfig.of(vocabulary, 3, 8, 7_239_680, 2, 1, 14));
    }

    /**
     * DeepSeek-V4.1-Flash.
     *
     * @param vocabulary of its tokenizer, with 99 092 compressed ids
     * @return the configuration
     * @throws IllegalArgumentException if the vocabulary has another size, for every hash would differ
     */
    public static EngramConfig v41Flash(VocabularyCompression vocabulary) {
        return of(5120, 256, NgramHashConfig.of(vocabulary.expect(RELEASED_VOCABULARY), 4, 8, 16_000_000, 2, 1, 14));
    }

    private static EngramConfig published(int width, int headWidth, NgramHashConfig hash) {
        return new EngramConfig(
                width,
                4,
                headWidth,
                hash,
                GateZero.SIGN,
                Bias.PRESENT,
                Convolution.ofKernel(4, hash.longest()),
                FLOAT_EPSILON);
    }

    /**
     * The same layers for another number of streams.
     *
     * @param count residual streams
     * @return a new configuration
     */
    public EngramConfig withStreams(int count) {
        return new EngramConfig(width, count, headWidth, hash, gateZero, bias, convolution, eps);
    }

    /**
     * The same layers with wider or narrower rows.
     *
     * @param columns width of a table row
     * @return a new configuration
     */
    public EngramConfig withHeadWidth(int columns) {
        return new EngramConfig(width, streams, columns, hash, gateZero, bias, convolution, eps);
    }

    /**
     * The same sizes at other blocks.
     *
     * @param numbers block numbers from 0, in the order in which moduli are given out
     * @return a new configuration
     */
    public EngramConfig withLayers(Integer... numbers) {
        return withHash(hash.withLayers(List.of(numbers)));
    }

    /**
     * The same layers with other hashing.
     *
     * @param other how token ids become table rows
     * @return a new configuration
     */
    public EngramConfig withHash(NgramHashConfig other) {
        return new EngramConfig(width, streams, headWidth, other, gateZero, bias, convolution, eps);
    }

    /**
     * The same layers with another gate at zero.
     *
     * @param zero sign of a zero score
     * @return a new configuration
     */
    public EngramConfig withGateZero(GateZero zero) {
        return new EngramConfig(width, streams, headWidth, hash, zero, bias, convolution, eps);
    }

    /**
     * The same layers with or without biases.
     *
     * @param choice whether keys and value have one
     * @return a new configuration
     */
    public EngramConfig withBias(Bias choice) {
        return new EngramConfig(width, streams, headWidth, hash, gateZero, choice, convolution, eps);
    }

    /**
     * The same layers with another convolution.
     *
     * @param other what happens to gated values along the tokens
     * @return a new configuration
     */
    public EngramConfig withConvolution(Convolution other) {
        return new EngramConfig(width, streams, headWidth, hash, gateZero, bias, other, eps);
    }

    /**
     * The same layers with another eps.
     *
     * @param value added to the mean squares of key and hidden state
     * @return a new configuration
     */
    public EngramConfig withEps(double value) {
        return new EngramConfig(width, streams, headWidth, hash, gateZero, bias, convolution, value);
    }

    /** {@return the width of everything a token reads: columns times head width} */
    public int memoryWidth() {
        return hash.columns() * headWidth;
    }

    /**
     * What one layer's table holds.
     *
     * @param layer block number
     * @return rows times head width
     */
    public long tableElements(int layer) {
        return (long) hash.init().layer(layer).rows() * headWidth;
    }

    /**
     * What one layer holds beside its table.
     *
     * @return projections, norms and convolution
     */
    public long denseElements() {
        long outputs = (streams + 1L) * width;
        long channels = (long) streams * width;
        long projection = outputs * memoryWidth() + (bias == Bias.PRESENT ? outputs : 0);
        long mixing = switch (convolution) {
            case Convolution.None() -> 0;
            case Convolution.Depthwise(int kernel, int _, double _) -> channels * (kernel + 1);
        };
        return projection + 2 * channels + mixing;
    }

    /**
     * Builds the only layer.
     *
     * @param backend where its parameters live
     * @param random draws them
     * @return the layer
     * @throws IllegalArgumentException if there are several layers, or the table is too large for one tensor
     */
    public Engram init(Backend backend, RandomStream random) {
        if (hash.layers().size() != 1) {
            throw new IllegalArgumentException(
                    "engram: there are layers " + hash.layers() + "; say which with init(backend, random, layer)");
        }
        return init(backend, random, hash.layers().getFirst());
    }

    /**
     * Builds one of the layers: the table normal with deviation 0.02, projections normal with variance 1/inputs, norms 1, biases and
     * convolution 0.
     *
     * @param backend where its parameters live
     * @param random draws them
     * @param layer block number
     * @return the layer
     * @throws IllegalArgumentException if that is no Engram layer, or the table is too large for one tensor
     */
    public Engram init(Backend backend, RandomStream random, int layer) {
        return Engram.init(this, hash.init(), layer, backend, random);
    }
}
