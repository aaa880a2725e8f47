package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.Function;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.BFloat16;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.io.StoredTensor;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.TiledRows.ScaleRule;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pages of the released layouts, byte for byte, written and read by both codecs and through caches. */
class Fp8CacheConformance {
    private final Backend backend = TestBackends.get("scalar");

    private static TiledRows format(String name) {
        return switch (name) {
            case "V32_FP8Sparse" -> TiledRows.V32_FP8_SPARSE.withRule(ScaleRule.FLASH_MLA);
            case "MODEL1_FP8Sparse" -> TiledRows.MODEL1_FP8_SPARSE.withRule(ScaleRule.FLASH_MLA);
            default -> throw new AssertionError("no layout is called " + name);
        };
    }

    /** Keys, pages and dequantised keys of a case. */
    @SuppressWarnings("ArrayRecordComponent") // Read element by element.
    private record Case(int pages, int pageRows, float[] keys, byte[] bytes, float[] dequantised) {
        static Case of(SafetensorsFile file, String name) {
            StoredTensor keys = file.tensor(name + ".keys");
            long[] shape = keys.shape();
            MemorySegment data = file.tensor(name + ".bytes").data();
            return new Case(
                    Math.toIntExact(shape[0]),
                    Math.toIntExact(shape[1]),
                    keys.toFloats(),
                    data.toArray(ValueLayout.JAVA_BYTE),
                    file.tensor(name + ".dequantised").toFloats());
        }

        PlaneMemory plane(RowFormat format, MemorySegment memory, RowCodec codec) {
            var parts = List.of(new RowLayout.Part("key", format.width()));
            return new PlaneMemory(new RowStorage.Plane(parts, format), pageRows, memory, codec);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"V32_FP8Sparse", "MODEL1_FP8Sparse"})
    void bytesAndValuesAreExact(String name) {
        TiledRows format = format(name);
        List<Function<RowFormat, RowCodec>> codecs = List.of(NaiveRowCodec::new, RowCodec::of);
        try (SafetensorsFile file = Conformance.open("blocks/fp8-cache")) {
            Case expected = Case.of(file, name);
            assertEquals(expected.bytes.length, expected.pages * format.pageBytes(expected.pageRows));
            for (Function<RowFormat, RowCodec> codec : codecs) {
                byte[] pages = new byte[expected.bytes.length];
                PlaneMemory plane = expected.plane(format, MemorySegment.ofArray(pages), codec.apply(format));
                float[] back = new float[expected.keys.length];
                for (int row = 0; row < expected.pages * expected.pageRows; row++) {
                    long[] slot = {row};
                    plane.encode(expected.keys, row * format.width(), 0, 0, format.width(), slot, 1);
                    plane.decode(slot, 1, back, row * format.width(), format.width());
                }
                assertArrayEquals(expected.bytes, pages, () -> name + " by " + codec.apply(format));
                assertArrayEquals(expected.dequantised, back, () -> name + " by " + codec.apply(format));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"V32_FP8Sparse", "MODEL1_FP8Sparse"})
    void cachesHoldTheSame(String name) {
        TiledRows format = format(name);
        try (SafetensorsFile file = Conformance.open("blocks/fp8-cache")) {
            Case expected = Case.of(file, name);
            int rows = expected.pages * expected.pageRows;
            RowStorage storage = RowStorage.float32(
                            RowLayout.of("content", format.coded()).with("rotary", format.rotary()))
                    .with(format, "content", "rotary");
            float[] content = new float[rows * format.coded()];
            float[] rotary = new float[rows * format.rotary()];
            for (int row = 0; row < rows; row++) {
                System.arraycopy(expected.keys, row * format.width(), content, row * format.coded(), format.coded());
                System.arraycopy(
                        expected.keys,
                        row * format.width() + format.coded(),
                        rotary,
                        row * format.rotary(),
                        format.rotary());
            }
            List<Tensor> parts = List.of(
                    backend.tensors().floats(Shape.of(rows, format.coded()), content),
                    backend.tensors().floats(Shape.of(rows, format.rotary()), rotary));
            try (KvCache contiguous = new ContiguousKvCache(storage, rows);
                    KvCache sliding = new SlidingKvCache(storage, new SlidingWindow(rows, 0), rows)) {
                for (KvCache cache : List.of(contiguous, sliding)) {
                    cache.append(cache.end(), parts);
                    assertArrayEquals(
                            expected.dequantised, cache.rows().tensor(backend).toFloats());
                    assertStoredBytes(expected, format, cache.rows().stored().getFirst());
                }
            }
        }
    }

    /** Row by row, since a cache's pages may be of another size. */
    private static void assertStoredBytes(Case expected, TiledRows format, StoredRows stored) {
        MemorySegment pages = MemorySegment.ofArray(expected.bytes);
        PlaneMemory like = expected.plane(format, pages, new NaiveRowCodec(format));
        assertTrue(stored.memory().isReadOnly());
        for (int row = 0; row < expected.pages * expected.pageRows; row++) {
            assertEquals(
                    -1,
                    pages.asSlice(like.rowOffset(row), format.rowBytes())
                            .mismatch(stored.memory().asSlice(stored.offset(row), format.rowBytes())));
            if (format.scaleBytes() > 0) {
                assertEquals(
                        -1,
                        pages.asSlice(like.scaleOffset(row), format.scaleBytes())
                                .mismatch(stored.memory().asSlice(stored.scaleOffset(row), format.scaleBytes())));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 1e-9f, 448, Float.MAX_VALUE})
    void theModelsOwnRuleDiffersForSmallTilesOnly(float value) {
        TiledRows model = TiledRows.MODEL1_FP8_SPARSE;
        TiledRows tests = model.withRule(ScaleRule.FLASH_MLA);
        assertEquals(value < 1 ? 0x1p-22f : tests.scaleOf(value), model.scaleOf(value));
        assertEquals(value < 1 ? 0x1p-13f : model.scaleOf(value), tests.scaleOf(value));
        assertEquals(model.scaleOf(value), BFloat16.round(model.scaleOf(value)));
    }
}
