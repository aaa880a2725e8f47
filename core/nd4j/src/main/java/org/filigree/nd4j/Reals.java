package org.filigree.nd4j;

import java.util.stream.IntStream;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.BackendStorage;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Real numbers in an ND4J array of one axis, contiguous; a tensor's shape is put on when an operation reads it. */
final class Reals implements BackendStorage {
    private final Backend backend;
    private final INDArray flat;

    private Reals(Backend backend, INDArray flat) {
        this.backend = backend;
        this.flat = flat;
    }

    /** The elements under dimensions of the caller's choice; shares memory. Not for tensors without elements. */
    static INDArray of(Tensor tensor, long... dims) {
        return flat(tensor).reshape('c', dims);
    }

    /** The elements along one axis; shares memory. */
    static INDArray flat(Tensor tensor) {
        if (tensor.storage() instanceof Reals reals) {
            return reals.flat;
        }
        throw new ShapeException("nd4j: " + tensor.dtype() + tensor.shape() + " is no FLOAT32 tensor of this backend");
    }

    /** The elements under the tensor's own shape; shares memory. */
    static INDArray shaped(Tensor tensor) {
        return of(tensor, dims(tensor.shape()));
    }

    static long[] dims(Shape shape) {
        return IntStream.of(shape.toArray()).asLongStream().toArray();
    }

    /** A tensor of a result, copied if it is no contiguous row-major array of its own. */
    static Tensor tensor(Backend backend, Shape shape, INDArray result) {
        boolean whole = !result.isView() && result.ordering() == 'c';
        INDArray own = whole ? result : result.dup('c');
        return Tensor.of(shape, DType.FLOAT32, new Reals(backend, own.reshape('c', new long[] {shape.size()})));
    }

    /** A tensor without elements, which ND4J need not see. */
    static Tensor empty(Backend backend, Shape shape) {
        return Tensor.of(shape, DType.FLOAT32, new Reals(backend, Nd4j.empty(DataType.FLOAT)));
    }

    static boolean isEmpty(Shape shape) {
        return shape.size() == 0;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public long size() {
        return flat.length();
    }

    @Override
    public float[] toFloats() {
        return flat.isEmpty() ? new float[0] : flat.toFloatVector();
    }

    @Override
    public double[] toDoubles() {
        return flat.isEmpty() ? new double[0] : flat.toDoubleVector();
    }

    @Override
    public int[] toInts() {
        float[] values = toFloats();
        return IntStream.range(0, values.length).map(i -> (int) values[i]).toArray();
    }
}
