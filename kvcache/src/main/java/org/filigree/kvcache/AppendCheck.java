package org.filigree.kvcache;

import java.util.List;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** What every cache checks before it changes. */
final class AppendCheck {
    private AppendCheck() {}

    /** The number of rows in the parts, which match the layout and fit behind {@code length} rows. */
    static int rows(RowLayout layout, int length, int capacity, List<Tensor> parts) {
        int rows = shapes("append", layout, parts);
        if (rows > capacity - length) {
            throw new KvCacheException(
                    KvCacheException.Reason.EXHAUSTED,
                    "append: " + rows + " rows behind " + length + " exceed the capacity of " + capacity + " by "
                            + (rows - (capacity - length))
                            + "; make the cache with a larger capacity or truncate it first");
        }
        return rows;
    }

    /** The number of rows in the parts, which match the layout. */
    static int shapes(String operation, RowLayout layout, List<Tensor> parts) {
        if (parts.size() != layout.parts().size()) {
            throw new ShapeException(operation + ": " + parts.size() + " tensors for rows " + layout + ", which have "
                    + layout.parts().size() + " parts; give one tensor for each part, in this order");
        }
        int rows = parts.getFirst().shape().rank() == 2 ? parts.getFirst().dim(0) : 0;
        for (int i = 0; i < parts.size(); i++) {
            RowLayout.Part part = layout.parts().get(i);
            Check.dtype(operation, part.name(), parts.get(i), DType.FLOAT32);
            Check.shape(operation, part.name(), parts.get(i), rows, part.width());
        }
        return rows;
    }

    static void length(int wanted, int held) {
        if (wanted < 0 || wanted > held) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    "truncate: length " + wanted + " is none of 0…" + held + ", which a cache of " + held
                            + " tokens can go back to; give the number of tokens to keep, not to take back");
        }
    }
}
