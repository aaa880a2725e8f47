package org.filigree.core.testkit;

import java.util.List;

/**
 * One use of one operation, with operands of awkward sizes or values. The name starts with the operation as {@code Class.method};
 * what stands behind a space tells this case from its siblings.
 *
 * @param name unique among the cases
 * @param inputs operands
 * @param reduction terms of the longest sum, for the tolerance
 * @param check what is compared
 * @param function the operation on the operands
 */
public record OperationCase(String name, List<Sample> inputs, long reduction, Check check, TensorFunction function) {
    /** What is compared, beside the values. */
    public enum Check {
        /** Gradients against central differences: the operation is smooth around the operands. */
        DIFFERENCES,
        /** Gradients against the oracle's: at ties, kinks and infinities, and where differences would take too long. */
        ORACLE,
        /** Nothing: the operation has no gradient. */
        VALUES
    }

    static OperationCase smooth(String name, long reduction, List<Sample> inputs, TensorFunction.Single function) {
        return new OperationCase(name, inputs, reduction, Check.DIFFERENCES, TensorFunction.of(function));
    }

    static OperationCase kinked(String name, long reduction, List<Sample> inputs, TensorFunction.Single function) {
        return new OperationCase(name, inputs, reduction, Check.ORACLE, TensorFunction.of(function));
    }

    static OperationCase values(String name, List<Sample> inputs, TensorFunction.Single function) {
        return new OperationCase(name, inputs, 1, Check.VALUES, TensorFunction.of(function));
    }

    /** {@return the operation, as {@code Class.method}} */
    public String operation() {
        int space = name.indexOf(' ');
        return space < 0 ? name : name.substring(0, space);
    }

    @Override
    public String toString() {
        return name;
    }
}
