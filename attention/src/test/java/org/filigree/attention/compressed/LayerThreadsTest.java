package org.filigree.attention.compressed;

import static org.filigree.core.op.Slice.slice;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.filigree.attention.TopBlocks;
import org.filigree.attention.TopK;
import org.filigree.attention.compressed.SharedHeadConfig.QueryNorm;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Sample;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.KvCache;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A prompt, a few guessed tokens and single steps over caches that round: the same bits whatever the number of threads. */
class LayerThreadsTest {
    private static final String THREADS = "filigree.vector.threads";
    private static final int WIDTH = 32;
    private static final int WINDOW = 40;

    /** So many that those of a token are cut into parts. */
    private static final int CHOSEN = 520;

    private static final int[] PASSES = {525, 21, 2, 1};
    private static final int TOKENS = IntStream.of(PASSES).sum();

    private static final SharedHeadConfig HEAD =
            new SharedHeadConfig(WIDTH, 2, 512, 64, 40, 2, 16, QueryNorm.NONE, 1e-6);

    @AfterEach
    void forgetThreads() {
        System.clearProperty(THREADS);
    }

    /** Attending to chosen entries, and to all. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void compressedAttention(boolean every) {
        Compression compression = every ? new Compression.Disjoint(1) : new Compression.Overlapping(1);
        EntryChoice choice = every
                ? new EntryChoice.Every()
                : new EntryChoice.Scored(CompressedIndexerConfig.of(8, 128), TopK.of(CHOSEN));
        CompressedAttentionConfig config = CompressedAttentionConfig.of(WIDTH, 2)
                .withHead(HEAD)
                .withWindow(WINDOW)
                .withCompression(compression, choice);
        sameBits(
                CacheStorage.deepSeekV4(),
                List.of(config.cacheLayout()),
                backend -> List.of(config.init(backend, RandomStream.of(3))));
    }

    /** The second layer chooses among the entries and the candidates of the first. */
    @Test
    void sourcedAttention() {
        var pattern = new SourcePattern(List.of(1, 1), List.of(0), List.of(0, 1), 0, TopBlocks.byBest(70, 8));
        List<SourcedAttentionConfig> configs = SourcedAttentionConfig.layers(
                pattern,
                HEAD,
                WINDOW,
                CompressedAttentionConfig.of(WIDTH, 2).rotary(),
                LatentIndexerConfig.of(8, 128),
                CHOSEN);
        sameBits(
                CacheStorage.deepSeekV41(),
                configs.stream().map(SourcedAttentionConfig::cacheLayout).toList(),
                backend -> {
                    var layers = new ArrayList<Layer>();
                    for (SourcedAttentionConfig config : configs) {
                        layers.add(config.init(backend, RandomStream.of(5 + layers.size())));
                    }
                    return layers;
                });
    }

    private static void sameBits(
            CacheStorage storage, List<CacheLayout> layouts, Function<Backend, List<? extends Layer>> layers) {
        float[][] expected = onThreads(1, storage, layouts, layers);
        for (float[] output : expected) {
            assertTrue(output[output.length - 1] != 0, "layers give numbers");
        }
        assertArrayEquals(expected, onThreads(2, storage, layouts, layers));
        assertArrayEquals(expected, onThreads(3, storage, layouts, layers));
    }

    private static float[][] onThreads(
            int threads,
            CacheStorage storage,
            List<CacheLayout> layouts,
            Function<Backend, List<? extends Layer>> layers) {
        System.setProperty(THREADS, String.valueOf(threads));
        List<KvCache> caches =
                layouts.stream().map(layout -> layout.init(TOKENS, storage)).toList();
        try (Backend backend = Backends.open("vector")) {
            return outputs(
                    layers.apply(backend),
                    Sample.gaussian("x", RandomStream.of(1), 1, TOKENS, WIDTH).on(backend),
                    caches);
        } finally {
            caches.forEach(KvCache::close);
        }
    }

    private static float[][] outputs(List<? extends Layer> layers, Tensor x, List<KvCache> caches) {
        var outputs = new ArrayList<float[]>();
        int start = 0;
        for (int tokens : PASSES) {
            Context context = Context.inference().with(Sources.KEY, new Sources());
            Tensor pass = slice(x, 1, start, start + tokens);
            for (int l = 0; l < layers.size(); l++) {
                outputs.add(layers.get(l)
                        .forward(pass, context.with(CacheBatch.KEY, CacheBatch.of(caches.get(l))))
                        .toFloats());
            }
            start += tokens;
        }
        return outputs.toArray(float[][]::new);
    }
}
