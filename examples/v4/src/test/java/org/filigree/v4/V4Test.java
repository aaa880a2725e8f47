package org.filigree.v4;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.filigree.attention.IndexerLoss;
import org.filigree.attention.ScoreListener;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.io.ParameterFile;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Arithmetic;
import org.filigree.core.op.CrossEntropy;
import org.filigree.core.op.Reshape;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class V4Test {
    private static final int[] IDS = {72, 101, 108, 108, 111, 32, 72, 101, 108, 108, 111, 33, 10};

    @TempDir
    Path folder;

    private static Tensor ids(Backend backend, int from, int to) {
        return backend.tensors().ints(Shape.of(1, to - from), Arrays.copyOfRange(IDS, from, to));
    }

    @ParameterizedTest
    @CsvSource({"1, scalar", "4, scalar", "1, vector", "4, vector", "6, vector"})
    void decodingInPiecesGivesTheLogitsOfOnePass(int streams, String name) {
        try (Backend backend = Backends.open(name)) {
            V4 model = TinyConfigs.bytes().withStreams(streams).init(backend, RandomStream.of(3));
            Tensor whole = model.logits(ids(backend, 0, IDS.length), Context.inference());
            for (int[] cuts : List.of(new int[] {1, 2, 3, 7, 13}, new int[] {5, 13}, new int[] {12, 13})) {
                try (V4Cache cache = model.cache(IDS.length)) {
                    int from = 0;
                    for (int to : cuts) {
                        Context context = Context.inference().at(from).with(V4Cache.KEY, cache);
                        Tensor piece = model.logits(ids(backend, from, to), context);
                        assertArrayEquals(Slice.slice(whole, 1, from, to).toFloats(), piece.toFloats(), 2e-5f);
                        from = to;
                        assertEquals(from, cache.length());
                    }
                }
            }
        }
    }

    @Test
    void everyBackendComputesTheSameLogits() {
        var logits = new ArrayList<float[]>();
        for (String name : List.of("scalar", "vector", "ojalgo")) {
            try (Backend backend = Backends.open(name)) {
                V4 model = TinyConfigs.bytes().init(backend, RandomStream.of(3));
                logits.add(model.logits(ids(backend, 0, IDS.length), Context.inference())
                        .toFloats());
            }
        }
        assertArrayEquals(logits.get(2), logits.get(0), 2e-5f);
        assertArrayEquals(logits.get(2), logits.get(1), 2e-5f);
    }

    /** The loss of a pass that reaches every parameter: both heads, and the indexers through their own loss. */
    private static Tensor loss(V4 model) {
        Backend backend = model.backend();
        var heard = new ArrayList<Tensor>();
        ScoreListener listener = scores -> heard.add(IndexerLoss.dense().of(scores));
        Tensor inputs = ids(backend, 0, IDS.length - 1);
        Tensor hidden = model.hidden(inputs, Context.training().with(ScoreListener.KEY, listener));
        Tensor rows = Reshape.reshape(hidden, -1, hidden.dim(-1));
        Tensor targets = Reshape.reshape(ids(backend, 1, IDS.length), IDS.length - 1);
        Tensor loss = Arithmetic.add(
                CrossEntropy.crossEntropy(model.language().forward(rows), targets),
                CrossEntropy.crossEntropy(model.completion().forward(rows), targets));
        for (Tensor indexer : heard) {
            loss = Arithmetic.add(loss, indexer);
        }
        return loss;
    }

    @Test
    void everyLearnedParameterGetsAGradient() {
        try (Backend backend = Backends.open("vector")) {
            V4 model = TinyConfigs.bytes().init(backend, RandomStream.of(3));
            Gradients gradients = Autograd.backward(loss(model));
            var without = new ArrayList<String>();
            model.parameters().learned().forEach((path, parameter) -> {
                if (gradients.find(parameter.value()).isEmpty()) {
                    without.add(path);
                }
            });
            assertEquals(List.of(), without);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void gradientsAgreeWithDoublePrecision(String name) {
        try (Backend exact = Backends.open("ojalgo");
                Backend backend = Backends.open(name)) {
            V4 reference = TinyConfigs.bytes().init(exact, RandomStream.of(3));
            V4 model = TinyConfigs.bytes().init(backend, RandomStream.of(3));
            Gradients expected = Autograd.backward(loss(reference));
            Gradients actual = Autograd.backward(loss(model));
            reference.parameters().learned().forEach((path, parameter) -> {
                float[] want = expected.of(parameter.value()).toFloats();
                float[] got = actual.of(model.parameters().get(path).value()).toFloats();
                float largest = 0;
                for (float value : want) {
                    largest = Math.max(largest, Math.abs(value));
                }
                assertArrayEquals(want, got, 1e-3f * largest + 1e-8f, path);
            });
        }
    }

    @Test
    void aSavedModelLoadsWithTheSameLogits() throws IOException {
        try (Backend backend = Backends.open("vector")) {
            V4 model = TinyConfigs.bytes().init(backend, RandomStream.of(3));
            ConfigFile.write(folder, model.config());
            ParameterFile.save(folder.resolve("model.safetensors"), model.parameters(), Map.of());
            V4 loaded = V4.load(folder, backend);
            Tensor inputs = ids(backend, 0, IDS.length);
            assertArrayEquals(
                    model.logits(inputs, Context.inference()).toFloats(),
                    loaded.logits(inputs, Context.inference()).toFloats());
        }
    }

    @Test
    void parametersBearTheReleasedNames() {
        try (Backend backend = Backends.open("scalar")) {
            var paths = TinyConfigs.bytes()
                    .init(backend, RandomStream.of(3))
                    .parameters()
                    .asMap()
                    .keySet();
            for (String path : List.of(
                    "embed.weight",
                    "norm.weight",
                    "head.weight",
                    "hc_head_fn",
                    "layers.0.hc_attn_fn",
                    "layers.2.hc_ffn_scale",
                    "layers.1.attn_norm.weight",
                    "layers.1.ffn.gate.weight",
                    "layers.1.ffn.gate.bias",
                    "layers.1.ffn.shared_experts.w1.weight",
                    "layers.2.engram.embed.weight",
                    "completion_head.weight")) {
                assertTrue(paths.contains(path), path + " is not among " + paths);
            }
        }
    }
}
