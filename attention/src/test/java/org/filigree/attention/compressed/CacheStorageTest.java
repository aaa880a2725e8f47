package org.filigree.attention.compressed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.BFloat16Rows;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheMemory;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.KvCacheException;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.junit.jupiter.api.Test;

class CacheStorageTest {
    /** A 64th of a million tokens: the numbers in the Javadoc of {@link CacheLayout} are 64 times those of entries. */
    private static final int TOKENS = 1 << 14;

    private static CacheMemory reserved(CacheLayout layout, CacheStorage storage) {
        try (KvCache cache = layout.initSliding(TOKENS, 0, storage)) {
            return cache.memory();
        }
    }

    @Test
    void releasedLayersReserveWhatTheirFormatsTake() {
        CacheLayout flash = CompressedAttentionConfig.deepSeekV4Flash().cacheLayout();
        long rows = 128L * 5 * 512 * Float.BYTES;
        assertEquals(
                671_088_640 / 64 + rows + 128 * 512 * Float.BYTES,
                reserved(flash, RowStorage::float32).reservedBytes());
        assertEquals(
                171_180_032 / 64 + rows + 2 * 37_440,
                reserved(flash, CacheStorage.deepSeekV4()).reservedBytes());
        for (SourcedAttentionConfig layer : SourcedAttentionConfig.deepSeekV41Flash()) {
            CacheLayout layout = layer.cacheLayout();
            long entries = layout.ratio() == 0 ? 0 : TOKENS / layout.ratio();
            long keys = layout.entries().size() > 1 ? 68 : 0;
            long projections = 128L * (layout.tokens().width() - 512) * Float.BYTES;
            assertEquals(
                    128 * 528 + projections + entries * (288 + keys),
                    reserved(layout, CacheStorage.deepSeekV41()).reservedBytes());
        }
    }

    @Test
    void formatsOfOtherWidthsOrOtherPartsAreRefused() {
        CacheLayout small = CompressedAttentionConfig.of(8, 2).cacheLayout();
        CacheStorage unrounded = RowStorage::float32;
        assertThrows(IllegalArgumentException.class, () -> small.init(9, CacheStorage.deepSeekV4()));
        String message = String.valueOf(
                assertThrows(IllegalArgumentException.class, () -> unrounded.with(new BFloat16Rows(8), "windows"))
                        .getMessage());
        assertTrue(message.contains("'windows'") && message.contains("scorer keys"), message);
        CacheStorage another = _ -> RowStorage.float32(RowLayout.of("window", 3));
        assertThrows(IllegalArgumentException.class, () -> small.init(9, another));
    }

    @Test
    void aPassWithoutSequencesOrTokensChecksItsCaches() {
        Backend backend = TestBackends.get("scalar");
        CompressedAttentionConfig config = CompressedAttentionConfig.of(8, 2);
        CompressedAttention layer = config.init(backend, RandomStream.of(1));
        Context inference = Context.inference();
        try (KvCache suitable = config.cacheLayout().init(9);
                KvCache other = config.withRatio(128).cacheLayout().init(9)) {
            for (Shape shape : List.of(Shape.of(0, 3, 8), Shape.of(2, 0, 8))) {
                Context context = inference.with(CacheBatch.KEY, CacheBatch.of(suitable));
                assertThrows(
                        KvCacheException.class,
                        () -> layer.forward(backend.tensors().zeros(shape), context));
            }
            Shape none = Shape.of(1, 0, 8);
            Context context = inference.with(CacheBatch.KEY, CacheBatch.of(suitable));
            assertEquals(
                    none, layer.forward(backend.tensors().zeros(none), context).shape());
            Context mistaken = inference.with(CacheBatch.KEY, CacheBatch.of(other));
            assertThrows(
                    KvCacheException.class,
                    () -> layer.forward(backend.tensors().zeros(none), mistaken));
            assertThrows(
                    KvCacheException.class,
                    () -> layer.forward(backend.tensors().zeros(none), context.at(4)));
        }
        KvCache closed = config.cacheLayout().init(9);
        closed.close();
        Context context = inference.with(CacheBatch.KEY, CacheBatch.of(closed));
        assertThrows(
                KvCacheException.class, () -> layer.forward(backend.tensors().zeros(Shape.of(1, 0, 8)), context));
    }
}
