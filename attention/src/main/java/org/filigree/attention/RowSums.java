package org.filigree.attention;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Slice.slice;

import java.util.ArrayList;
import org.filigree.core.backend.Backend;
import org.filigree.core.op.Arithmetic;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A sum of rows that come as runs of neighbours, kept in blocks: adding a run costs what the run costs, not what all rows do. */
final class RowSums {
    private static final int BLOCK = 256;

    private final Backend backend;
    private final Shape shape;
    private final @Nullable Tensor[] blocks;

    /** Zeros [rows, tail…]. */
    RowSums(Backend backend, Shape shape) {
        this.backend = backend;
        this.shape = shape;
        this.blocks = new Tensor[Math.ceilDiv(shape.dim(0), BLOCK)];
    }

    /** Adds [run, tail…] from row {@code first} on. */
    void add(int first, Tensor run) {
        int end = first + run.dim(0);
        for (int block = first / BLOCK; block * BLOCK < end; block++) {
            int begin = block * BLOCK;
            int stop = Math.min(shape.dim(0), begin + BLOCK);
            int from = Math.max(first, begin);
            int to = Math.min(end, stop);
            Tensor own = slice(run, 0, from - first, to - first);
            Tensor part = to - from == stop - begin ? own : concat(0, zeros(from - begin), own, zeros(stop - to));
            Tensor before = blocks[block];
            blocks[block] = before == null ? part : Arithmetic.add(before, part);
        }
    }

    Tensor all() {
        var parts = new ArrayList<Tensor>();
        for (int block = 0; block < blocks.length; block++) {
            Tensor sum = blocks[block];
            parts.add(sum == null ? zeros(Math.min(BLOCK, shape.dim(0) - block * BLOCK)) : sum);
        }
        return concat(0, parts);
    }

    private Tensor zeros(int rows) {
        return backend.tensors().zeros(shape.withDim(0, rows));
    }
}
