package org.filigree.ojalgo;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Indexing;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Access through indices in Java arrays, in index order. */
record OjalgoIndexing(Backend backend) implements Indexing {
    @Override
    public Tensor gather(Tensor table, Tensor indices) {
        int[] index = HostInts.of(indices);
        int rank = table.shape().rank();
        int width = (int) table.shape().count(1, rank);
        Shape shape = joined(indices.shape(), table.shape(), 1);
        boolean whole = table.dtype() == DType.INT32;
        Object in = whole ? HostInts.of(table) : Doubles.of(table);
        Object out = whole ? new int[Math.toIntExact(shape.size())] : Doubles.allocate(shape);
        for (int i = 0; i < index.length; i++) {
            int row = checked("gather", index[i], i, table.dim(0));
            if (row >= 0) {
                System.arraycopy(in, row * width, out, i * width, width);
            }
        }
        return whole ? HostInts.tensor(backend, shape, (int[]) out) : Doubles.tensor(backend, shape, (double[]) out);
    }

    @Override
    public Tensor scatterAdd(Tensor source, Tensor indices, int rows) {
        int[] index = HostInts.of(indices);
        Shape shape = joined(Shape.of(rows), source.shape(), indices.shape().rank());
        int width = (int) shape.count(1, shape.rank());
        double[] in = Doubles.of(source);
        double[] out = Doubles.allocate(shape);
        for (int i = 0; i < index.length; i++) {
            int row = checked("scatterAdd", index[i], i, rows);
            if (row >= 0) {
                for (int j = 0; j < width; j++) {
                    out[row * width + j] += in[i * width + j];
                }
            }
        }
        return Doubles.tensor(backend, shape, out);
    }

    @Override
    public Tensor gatherLast(Tensor x, Tensor indices) {
        int[] index = HostInts.of(indices);
        double[] in = Doubles.of(x);
        double[] out = Doubles.allocate(indices.shape());
        int width = x.dim(-1);
        int k = indices.dim(-1);
        for (int i = 0; i < index.length; i++) {
            int place = checked("gatherLast", index[i], i, width);
            if (place >= 0) {
                out[i] = in[i / k * width + place];
            }
        }
        return Doubles.tensor(backend, indices.shape(), out);
    }

    @Override
    public Tensor scatterAddLast(Tensor source, Tensor indices, int width) {
        int[] index = HostInts.of(indices);
        double[] in = Doubles.of(source);
        Shape shape = indices.shape().withDim(-1, width);
        double[] out = Doubles.allocate(shape);
        int k = indices.dim(-1);
        for (int i = 0; i < index.length; i++) {
            int place = checked("scatterAddLast", index[i], i, width);
            if (place >= 0) {
                out[i / k * width + place] += in[i];
            }
        }
        return Doubles.tensor(backend, shape, out);
    }

    @Override
    public Largest topK(Tensor x, int k) {
        double[] in = Doubles.of(x);
        int n = x.dim(-1);
        Shape shape = x.shape().withDim(-1, k);
        double[] values = Doubles.allocate(shape);
        int[] indices = new int[values.length];
        for (int out = 0; out < values.length; out += k) {
            int start = out / k * n;
            // The sort is stable, so ties go to the lower index; adding 0 makes one of the two zeros.
            int[] best = IntStream.range(0, n)
                    .boxed()
                    .sorted(Comparator.comparing((Integer i) -> Double.isNaN(in[start + i]))
                            .thenComparing(Comparator.comparingDouble((Integer i) -> in[start + i] + 0.0)
                                    .reversed()))
                    .limit(k)
                    .mapToInt(Integer::intValue)
                    .toArray();
            for (int j = 0; j < k; j++) {
                indices[out + j] = best[j];
                values[out + j] = in[start + best[j]];
            }
        }
        return new Largest(Doubles.tensor(backend, shape, values), HostInts.tensor(backend, shape, indices));
    }

    private static int checked(String operation, int index, int place, int bound) {
        if (index < -1 || index >= bound) {
            throw new IndexOutOfBoundsException(operation + ": index " + index + " at place " + place
                    + " is outside [0, " + bound + ") and not -1 (none)");
        }
        return index;
    }

    private static Shape joined(Shape head, Shape tailOf, int from) {
        int[] tail = new int[tailOf.rank() - from];
        for (int i = 0; i < tail.length; i++) {
            tail[i] = tailOf.dim(from + i);
        }
        return head.leading(head.rank(), tail);
    }
}
