package org.filigree.attention;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import org.filigree.core.io.BFloat16;
import org.filigree.core.io.Float4E2M1;
import org.filigree.core.io.Float8E4M3;
import org.filigree.core.io.Float8E8M0;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.BFloat16Rows;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.Float32Rows;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.StoredRows;
import org.filigree.kvcache.TiledRows;

/** What formats leave of rows, number by number from their bytes. */
final class PlainRows {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    private PlainRows() {}

    /** Rows as a storage gives them back: [rows, width]. */
    static float[][] stored(RowStorage storage, List<Tensor> parts) {
        int rows = parts.getFirst().dim(0);
        float[][] values = new float[rows][storage.layout().width()];
        try (var cache = new ContiguousKvCache(storage, Math.max(1, rows))) {
            cache.append(cache.end(), parts);
            int column = 0;
            for (StoredRows plane : cache.rows().stored()) {
                for (int row = 0; row < rows; row++) {
                    decode(plane, row, values[row], column);
                }
                column += plane.format().width();
            }
        }
        return values;
    }

    private static void decode(StoredRows plane, int row, float[] out, int at) {
        MemorySegment memory = plane.memory();
        long data = plane.offset(row);
        switch (plane.format()) {
            case Float32Rows(int width) -> {
                for (int i = 0; i < width; i++) {
                    out[at + i] = memory.get(FLOAT, data + 4L * i);
                }
            }
            case BFloat16Rows(int width) -> {
                for (int i = 0; i < width; i++) {
                    out[at + i] = BFloat16.toFloat(memory.get(SHORT, data + 2L * i));
                }
            }
            case TiledRows tiled -> {
                long scales = tiled.placement() == TiledRows.Placement.IN_ROW
                        ? data + bytes(tiled, tiled.coded())
                        : plane.scaleOffset(row);
                for (int i = 0; i < tiled.coded(); i++) {
                    float scale = scale(tiled, memory, scales, i / tiled.tile());
                    out[at + i] = BFloat16.round(code(tiled, memory, data, i) * scale);
                }
                long rotary = data + tiled.rowBytes() - 2L * tiled.rotary();
                for (int i = 0; i < tiled.rotary(); i++) {
                    out[at + tiled.coded() + i] = BFloat16.toFloat(memory.get(SHORT, rotary + 2L * i));
                }
            }
        }
    }

    private static long bytes(TiledRows tiled, int codes) {
        return tiled.code() == TiledRows.Code.E4M3 ? codes : codes / 2;
    }

    private static float code(TiledRows tiled, MemorySegment memory, long data, int i) {
        byte stored = memory.get(BYTE, data + bytes(tiled, i));
        return switch (tiled.code()) {
            case E4M3 -> Float8E4M3.toFloat(stored);
            case E2M1 -> i % 2 == 0 ? Float4E2M1.even(stored) : Float4E2M1.odd(stored);
        };
    }

    private static float scale(TiledRows tiled, MemorySegment memory, long scales, int tile) {
        return switch (tiled.scale()) {
            case FLOAT32 -> memory.get(FLOAT, scales + 4L * tile);
            case E8M0 -> Float8E8M0.toFloat(memory.get(BYTE, scales + tile));
            case E4M3 -> Float8E4M3.toFloat(memory.get(BYTE, scales + tile));
        };
    }
}
