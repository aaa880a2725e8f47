package org.filigree.core.backend;

import java.util.Arrays;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;

/**
 * How two shapes stretch to a common one: axes are matched from the last, a missing axis counts as 1, and an extent of 1 stretches.
 * Neighbouring axes that both operands walk alike are merged, so that loops are as few and as long as possible.
 *
 * @param result the common shape
 * @param dims merged extents, outermost first, at least one
 * @param leftStrides step of the left operand per merged axis, 0 where it stretches
 * @param rightStrides step of the right operand per merged axis, 0 where it stretches
 */
@SuppressWarnings("ArrayRecordComponent") // Read by kernels, element by element.
public record Broadcast(Shape result, int[] dims, int[] leftStrides, int[] rightStrides) {
    /**
     * The broadcast of two shapes.
     *
     * @param operation name for error messages
     * @param left left shape
     * @param right right shape
     * @return how they stretch
     * @throws ShapeException if an axis differs and neither extent is 1
     */
    public static Broadcast of(String operation, Shape left, Shape right) {
        int rank = Math.max(left.rank(), right.rank());
        int[] full = new int[rank];
        int[] dims = new int[rank];
        int[] leftStrides = new int[rank];
        int[] rightStrides = new int[rank];
        int leftStep = 1;
        int rightStep = 1;
        int last = rank;
        for (int axis = 1; axis <= rank; axis++) {
            int l = axis <= left.rank() ? left.dim(-axis) : 1;
            int r = axis <= right.rank() ? right.dim(-axis) : 1;
            if (l != r && l != 1 && r != 1) {
                throw new ShapeException(operation + ": left " + left + " and right " + right + " differ at axis -"
                        + axis + ": " + l + " and " + r + ", and neither is 1; reshape or permute one of them");
            }
            int dim = l == 1 ? r : l;
            full[rank - axis] = dim;
            int ls = l == 1 ? 0 : leftStep;
            int rs = r == 1 ? 0 : rightStep;
            leftStep *= l;
            rightStep *= r;
            if (dim == 1) {
                continue;
            }
            boolean merges =
                    last < rank && ls == leftStrides[last] * dims[last] && rs == rightStrides[last] * dims[last];
            if (merges) {
                dims[last] *= dim;
            } else {
                last--;
                dims[last] = dim;
                leftStrides[last] = ls;
                rightStrides[last] = rs;
            }
        }
        if (last == rank) {
            return new Broadcast(Shape.of(full), new int[] {1}, new int[] {0}, new int[] {0});
        }
        return new Broadcast(
                Shape.of(full),
                Arrays.copyOfRange(dims, last, rank),
                Arrays.copyOfRange(leftStrides, last, rank),
                Arrays.copyOfRange(rightStrides, last, rank));
    }

    /** {@return how many runs of the innermost merged axis there are} */
    public int runs() {
        int product = 1;
        for (int i = 0; i < dims.length - 1; i++) {
            product *= dims[i];
        }
        return product;
    }

    /** {@return the length of the innermost merged axis} */
    public int run() {
        return dims[dims.length - 1];
    }

    /**
     * Where a run starts in an operand.
     *
     * @param strides {@link #leftStrides} or {@link #rightStrides}
     * @param run number of the run
     * @return offset of its first element
     */
    public int offset(int[] strides, int run) {
        int rest = run;
        int offset = 0;
        for (int i = dims.length - 2; i >= 0; i--) {
            offset += rest % dims[i] * strides[i];
            rest /= dims[i];
        }
        return offset;
    }
}
