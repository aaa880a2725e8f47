package org.filigree.kvcache;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Tensor;

/** Rows written to memory of their own and read back, by the code that writes and reads caches: so they cannot differ. */
final class RoundTrip {
    /** Rows on their way at a time; they stay in the second-level cache. */
    private static final int TOGETHER = RowMemory.PAGE_ROWS;

    private RoundTrip() {}

    /** Tensors [rows, width] for the parts of some planes, in order. */
    static List<Tensor> of(List<RowStorage.Plane> planes, List<Tensor> rows) {
        var stored = new ArrayList<Tensor>();
        for (RowStorage.Plane plane : planes) {
            List<Tensor> ofPlane =
                    rows.subList(stored.size(), stored.size() + plane.parts().size());
            boolean exact = plane.format() instanceof Float32Rows;
            stored.addAll(exact || ofPlane.getFirst().dim(0) == 0 ? ofPlane : through(plane, ofPlane));
        }
        return List.copyOf(stored);
    }

    private static List<Tensor> through(RowStorage.Plane plane, List<Tensor> rows) {
        int count = rows.getFirst().dim(0);
        int together = Math.min(TOGETHER, count);
        float[][] before = RowMemory.values(rows);
        float[][] after = new float[before.length][];
        for (int i = 0; i < after.length; i++) {
            after[i] = new float[count * plane.parts().get(i).width()];
        }
        var storage = new RowStorage(List.of(plane));
        // One thread's own, since letting go of a shared one makes all threads wait.
        try (RowMemory memory = RowMemory.reserve(storage, together, together, Arena.ofConfined())) {
            var edition = new Edition();
            for (int done = 0; done < count; done += TOGETHER) {
                int some = Math.min(TOGETHER, count - done);
                memory.write(Slots.contiguous(), 0, before, done, some);
                for (int i = 0; i < after.length; i++) {
                    RowLayout.Part part = plane.parts().get(i);
                    new MappedRows(memory, Slots.contiguous(), some, edition, part.name())
                            .read(0, some, after[i], done * part.width());
                }
            }
        }
        var stored = new ArrayList<Tensor>();
        for (int i = 0; i < after.length; i++) {
            Tensor unrounded = rows.get(i);
            stored.add(Backend.of(unrounded).tensors().floats(unrounded.shape(), after[i]));
        }
        return stored;
    }
}
