package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import org.filigree.core.io.BFloat16;
import org.filigree.core.io.BlockScale;
import org.filigree.core.io.Float4E2M1;
import org.filigree.core.io.Float8E4M3;
import org.filigree.core.io.Float8E8M0;
import org.filigree.kvcache.TiledRows.Code;
import org.filigree.kvcache.TiledRows.Placement;

/** The formats number by number, as their tables read: what other codecs are tested against, and what runs where no vectors are. */
record NaiveRowCodec(RowFormat format) implements RowCodec {
    @Override
    public void encode(
            float[] source,
            int from,
            int stride,
            int column,
            int width,
            MemorySegment memory,
            long[] rows,
            long[] scales,
            int count) {
        for (int r = 0; r < count; r++) {
            encode(source, from + r * stride, column, width, memory, rows[r], scales[r]);
        }
    }

    private void encode(float[] source, int from, int column, int count, MemorySegment memory, long row, long scales) {
        switch (format) {
            case Float32Rows _ ->
                MemorySegment.copy(source, from, memory, LittleEndian.FLOAT, row + (long) column * Float.BYTES, count);
            case BFloat16Rows _ -> halves(source, from, count, memory, row + (long) column * Short.BYTES);
            case TiledRows tiled -> {
                int coded = Math.clamp(tiled.coded() - column, 0, count);
                for (int done = 0; done < coded; done += tiled.tile()) {
                    encodeTile(tiled, (column + done) / tiled.tile(), source, from + done, memory, row, scales);
                }
                if (column == 0) {
                    padScales(tiled, memory, scales);
                }
                int rotary = Math.max(0, column - tiled.coded());
                halves(
                        source,
                        from + coded,
                        count - coded,
                        memory,
                        row + tiled.rotaryOffset() + (long) rotary * Short.BYTES);
            }
        }
    }

    private static void halves(float[] source, int from, int count, MemorySegment memory, long offset) {
        for (int i = 0; i < count; i++) {
            memory.set(LittleEndian.SHORT, offset + (long) i * Short.BYTES, BFloat16.fromFloat(source[from + i]));
        }
    }

    static void encodeTile(
            TiledRows tiled, int t, float[] source, int from, MemorySegment memory, long row, long scales) {
        float scale = tiled.scaleOf(BlockScale.amax(source, from, tiled.tile()));
        setScale(tiled, t, scale, memory, row, scales);
        long codes = row + tiled.code().bytes(t * tiled.tile());
        if (tiled.code() == Code.E4M3) {
            for (int i = 0; i < tiled.tile(); i++) {
                memory.set(LittleEndian.BYTE, codes + i, Float8E4M3.fromFloat(source[from + i] / scale));
            }
        } else {
            for (int i = 0; i < tiled.tile(); i += 2) {
                byte packed = Float4E2M1.pack(
                        Float4E2M1.fromFloat(source[from + i] / scale),
                        Float4E2M1.fromFloat(source[from + i + 1] / scale));
                memory.set(LittleEndian.BYTE, codes + i / 2, packed);
            }
        }
    }

    static void setScale(TiledRows tiled, int t, float scale, MemorySegment memory, long row, long scales) {
        long offset = scaleOffset(tiled, t, row, scales);
        switch (tiled.scale()) {
            case FLOAT32 -> memory.set(LittleEndian.FLOAT, offset, scale);
            case E8M0 -> memory.set(LittleEndian.BYTE, offset, Float8E8M0.fromFloat(scale));
            case E4M3 -> memory.set(LittleEndian.BYTE, offset, Float8E4M3.fromFloat(scale));
        }
    }

    static void padScales(TiledRows tiled, MemorySegment memory, long scales) {
        for (int i = tiled.tiles() * tiled.bytesPerScale(); i < tiled.scaleBytes(); i++) {
            memory.set(LittleEndian.BYTE, scales + i, tiled.scalePadding());
        }
    }

    static long scaleOffset(TiledRows tiled, int t, long row, long scales) {
        long first = tiled.placement() == Placement.IN_ROW ? row + tiled.codeBytes() : scales;
        return first + (long) t * tiled.bytesPerScale();
    }

    static float scale(TiledRows tiled, int t, MemorySegment memory, long row, long scales) {
        long offset = scaleOffset(tiled, t, row, scales);
        return switch (tiled.scale()) {
            case FLOAT32 -> memory.get(LittleEndian.FLOAT, offset);
            case E8M0 -> Float8E8M0.toFloat(memory.get(LittleEndian.BYTE, offset));
            case E4M3 -> Float8E4M3.toFloat(memory.get(LittleEndian.BYTE, offset));
        };
    }

    @Override
    public void decode(MemorySegment memory, long[] rows, long[] scales, int count, float[] out, int at, int stride) {
        for (int r = 0; r < count; r++) {
            decodeRow(memory, rows[r], scales[r], out, at + r * stride);
        }
    }

    private void decodeRow(MemorySegment memory, long row, long scales, float[] out, int at) {
        switch (format) {
            case Float32Rows(int width) -> MemorySegment.copy(memory, LittleEndian.FLOAT, row, out, at, width);
            case BFloat16Rows(int width) -> widen(memory, row, width, out, at);
            case TiledRows tiled -> {
                decodeCodes(tiled, memory, row, scales, out, at);
                widen(memory, row + tiled.rotaryOffset(), tiled.rotary(), out, at + tiled.coded());
            }
        }
    }

    static void decodeCodes(TiledRows tiled, MemorySegment memory, long row, long scales, float[] out, int at) {
        for (int t = 0; t < tiled.tiles(); t++) {
            decodeTile(tiled, t, memory, row, scales, out, at + t * tiled.tile());
        }
    }

    private static void widen(MemorySegment memory, long offset, int count, float[] out, int at) {
        for (int i = 0; i < count; i++) {
            out[at + i] = BFloat16.toFloat(memory.get(LittleEndian.SHORT, offset + (long) i * Short.BYTES));
        }
    }

    static void decodeTile(TiledRows tiled, int t, MemorySegment memory, long row, long scales, float[] out, int at) {
        float scale = scale(tiled, t, memory, row, scales);
        long codes = row + tiled.code().bytes(t * tiled.tile());
        if (tiled.code() == Code.E4M3) {
            for (int i = 0; i < tiled.tile(); i++) {
                out[at + i] = BFloat16.round(Float8E4M3.toFloat(memory.get(LittleEndian.BYTE, codes + i)) * scale);
            }
        } else {
            for (int i = 0; i < tiled.tile(); i += 2) {
                byte packed = memory.get(LittleEndian.BYTE, codes + i / 2);
                out[at + i] = BFloat16.round(Float4E2M1.even(packed) * scale);
                out[at + i + 1] = BFloat16.round(Float4E2M1.odd(packed) * scale);
            }
        }
    }
}
