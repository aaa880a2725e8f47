package org.filigree.kvcache;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;

/** All planes of a storage, in pages outside the heap. Knows nothing of sequences: callers say which slot a row goes to. */
final class RowMemory implements AutoCloseable {
    /** The released kernels' page, and small beside any context. */
    static final int PAGE_ROWS = 64;
    /** Some 1.5 µs of quantising: a thread that is awake helps in less. */
    private static final int LEAST_CHUNK_NUMBERS = 1 << 13;

    /** Some 6 µs, so that threads end together. */
    private static final int MOST_CHUNK_NUMBERS = 1 << 15;

    /** Chunks of an append that is neither short nor long. */
    private static final int CHUNKS = 16;

    /** About 50 µs of quantising, for which a sleeping thread is woken. */
    private static final int WAKING_NUMBERS = 1 << 18;

    /** Rows whose places are found together. */
    private static final int ROWS_TOGETHER = 64;

    private static final long ALIGNMENT = 64;

    private final RowStorage storage;
    private final Arena arena;
    private final List<PlaneMemory> planes;

    private RowMemory(RowStorage storage, Arena arena, List<PlaneMemory> planes) {
        this.storage = storage;
        this.arena = arena;
        this.planes = planes;
    }

    static RowMemory reserve(RowStorage storage, long slots, int pageRows) {
        return reserve(storage, slots, pageRows, Arena.ofShared());
    }

    /** In an arena that is closed with it, or at once if the memory cannot be had. */
    static RowMemory reserve(RowStorage storage, long slots, int pageRows, Arena arena) {
        try {
            var planes = new ArrayList<PlaneMemory>();
            for (RowStorage.Plane plane : storage.planes()) {
                long bytes = PlaneMemory.bytes(plane.format(), slots, pageRows);
                planes.add(new PlaneMemory(
                        plane, pageRows, arena.allocate(bytes, ALIGNMENT), RowCodec.of(plane.format())));
            }
            return new RowMemory(storage, arena, List.copyOf(planes));
        } catch (OutOfMemoryError | ArithmeticException none) {
            arena.close();
            throw new KvCacheException(
                    KvCacheException.Reason.EXHAUSTED,
                    "kv cache: " + slots + " rows " + storage.layout() + " of " + storage.bytesPerRow()
                            + " bytes each need more memory outside the heap than can be had; lower the capacity or"
                            + " raise -XX:MaxDirectMemorySize",
                    none);
        }
    }

    RowStorage storage() {
        return storage;
    }

    List<PlaneMemory> planes() {
        return planes;
    }

    long bytes() {
        return planes.stream().mapToLong(plane -> plane.memory().byteSize()).sum();
    }

    /** Writes rows from…from + count of the parts to the slots of rows first…first + count. */
    void write(Slots slots, int first, List<Tensor> parts, int from, int count) {
        if (count == 0) {
            return;
        }
        float[][] values = values(parts);
        int width = storage.layout().width();
        int chunk = Math.clamp(
                count / CHUNKS, Math.ceilDiv(LEAST_CHUNK_NUMBERS, width), Math.ceilDiv(MOST_CHUNK_NUMBERS, width));
        if (count > chunk && Backend.of(parts.getFirst()) instanceof HostBackend host) {
            Workers.RangeTask task = (begin, end) -> write(slots, first + begin, values, from + begin, end - begin);
            if ((long) count * width < WAKING_NUMBERS) {
                host.workers().briefRanges(count, chunk, task);
            } else {
                host.workers().parallelRanges(count, chunk, task);
            }
        } else {
            write(slots, first, values, from, count);
        }
    }

    /** The numbers of every part, where they lie if that is on the heap: not to be changed. */
    static float[][] values(List<Tensor> parts) {
        return parts.stream()
                .map(part -> part.storage() instanceof HostFloats host ? host.array() : part.toFloats())
                .toArray(float[][]::new);
    }

    /** Writes rows on the calling thread. */
    void write(Slots slots, int first, float[][] values, int from, int count) {
        int part = 0;
        for (PlaneMemory plane : planes) {
            List<RowLayout.Part> parts = plane.plane().parts();
            if (plane.takesParts()) {
                int column = 0;
                for (int i = 0; i < parts.size(); i++) {
                    int width = parts.get(i).width();
                    writePart(plane, values[part + i], column, width, slots, first, from, count);
                    column += width;
                }
            } else {
                writeJoined(plane, values, part, slots, first, from, count);
            }
            part += parts.size();
        }
    }

    private static void writePart(
            PlaneMemory plane, float[] values, int column, int width, Slots slots, int first, int from, int count) {
        long[] places = new long[Math.min(ROWS_TOGETHER, count)];
        for (int done = 0; done < count; done += ROWS_TOGETHER) {
            int together = Math.min(ROWS_TOGETHER, count - done);
            slots.of(first + done, together, places);
            plane.encode(values, (from + done) * width, width, column, width, places, together);
        }
    }

    /** Where a tile spans two parts, rows are put together first. */
    private static void writeJoined(
            PlaneMemory plane, float[][] values, int part, Slots slots, int first, int from, int count) {
        List<RowLayout.Part> parts = plane.plane().parts();
        float[] row = new float[plane.plane().format().width()];
        long[] place = new long[1];
        for (int r = 0; r < count; r++) {
            int at = 0;
            for (int i = 0; i < parts.size(); i++) {
                int width = parts.get(i).width();
                System.arraycopy(values[part + i], (from + r) * width, row, at, width);
                at += width;
            }
            place[0] = slots.of(first + r);
            plane.encode(row, 0, row.length, 0, row.length, place, 1);
        }
    }

    /** Copies a page of every plane. */
    void copyPage(int from, int to) {
        planes.forEach(plane -> plane.copyPage(from, to));
    }

    @Override
    public void close() {
        arena.close();
    }
}
