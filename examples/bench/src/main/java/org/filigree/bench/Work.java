package org.filigree.bench;

import java.util.List;
import org.filigree.core.tensor.Tensor;

/** Our side of a row, with its operands. */
@FunctionalInterface
interface Work extends AutoCloseable {
    /** Does the work once. What it gives is kept until the next time, so that nothing can be optimised away. */
    List<Tensor> run();

    /**
     * What is compared with the peer's results, outside the measurement.
     *
     * @param last what the last run gave
     */
    default List<Tensor> results(List<Tensor> last) {
        return last;
    }

    /** Frees what the operands hold outside the heap. */
    @Override
    default void close() {}
}
