package org.filigree.nd4j;

import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Indexing;
import org.filigree.core.backend.host.HostInts;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Rows are gathered by ND4J; the rest, which must keep an order among repeated indices and ties, runs in host memory. */
record Nd4jIndexing(Backend backend, HostFallback host) implements Indexing {
    @Override
    public Tensor gather(Tensor table, Tensor indices) {
        if (table.dtype() == DType.INT32) {
            host.count();
            return host.up(host.scalar().indexing().gather(host.down(table), host.down(indices)));
        }
        int rows = table.dim(0);
        int[] index = HostInts.of(indices).clone();
        boolean[] none = new boolean[index.length];
        for (int i = 0; i < index.length; i++) {
            if (index[i] < -1 || index[i] >= rows) {
                throw new IndexOutOfBoundsException("gather: index " + index[i] + " at place " + i + " is outside [0, "
                        + rows + ") and not -1 (none)");
            }
            none[i] = index[i] < 0;
            index[i] = Math.max(index[i], 0);
        }
        Shape tail = table.shape().without(0);
        Shape shape = indices.shape().leading(indices.shape().rank(), tail.toArray());
        if (Reals.isEmpty(shape) || rows == 0) {
            return backend.tensors().full(shape, 0);
        }
        INDArray pulled = Nd4j.pullRows(Reals.of(table, rows, tail.size()), 1, index, 'c');
        for (int i = 0; i < none.length; i++) {
            if (none[i]) {
                pulled.getRow(i).assign(0);
            }
        }
        return Reals.tensor(backend, shape, pulled);
    }

    @Override
    public Tensor scatterAdd(Tensor source, Tensor indices, int rows) {
        host.count();
        return host.up(host.scalar().indexing().scatterAdd(host.down(source), host.down(indices), rows));
    }

    @Override
    public Tensor gatherLast(Tensor x, Tensor indices) {
        host.count();
        return host.up(host.scalar().indexing().gatherLast(host.down(x), host.down(indices)));
    }

    @Override
    public Tensor scatterAddLast(Tensor source, Tensor indices, int width) {
        host.count();
        return host.up(host.scalar().indexing().scatterAddLast(host.down(source), host.down(indices), width));
    }

    @Override
    public Largest topK(Tensor x, int k) {
        host.count();
        Largest largest = host.scalar().indexing().topK(host.down(x), k);
        return new Largest(host.up(largest.values()), host.up(largest.indices()));
    }
}
