package org.filigree.core.autograd;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Binary;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Reverse-mode differentiation. An operation computes its result on plain tensors and {@linkplain #record records} how to go back;
 * the result carries that record, so the graph lives exactly as long as somebody holds its end. Nothing is recorded unless an
 * input is differentiable, nor inside {@link #withoutGradients}.
 *
 * <p>Gradients are summed in an order that depends on the graph alone, so they are bitwise reproducible.
 */
public final class Autograd {
    private static final ScopedValue<Boolean> PAUSED = ScopedValue.newInstance();

    private Autograd() {}

    /**
     * Marks a tensor whose gradient is wanted.
     *
     * @param tensor FLOAT32
     * @return the same data as a leaf of the graph
     * @throws ShapeException if the tensor is not real
     */
    public static Tensor leaf(Tensor tensor) {
        if (tensor.dtype() != DType.FLOAT32) {
            throw new ShapeException(
                    "leaf: " + tensor.dtype() + tensor.shape() + " has no gradient; only FLOAT32 tensors have");
        }
        return tensor.withLineage(new Node.Leaf());
    }

    /**
     * Cuts a tensor off the graph: no gradient flows through the result.
     *
     * @param tensor any tensor
     * @return the same data without lineage
     */
    public static Tensor detach(Tensor tensor) {
        return tensor.lineage() == null ? tensor : tensor.withLineage(null);
    }

    /**
     * Whether a tensor is a leaf or depends on one.
     *
     * @param tensor any tensor
     * @return true if a gradient flows to or through it
     */
    public static boolean differentiable(Tensor tensor) {
        return tensor.lineage() instanceof Node;
    }

    /** {@return false inside {@link #withoutGradients} and backward passes} */
    public static boolean recording() {
        return !PAUSED.orElse(false);
    }

    /**
     * Whether an operation on these inputs would be recorded, so that it can skip saving what only the backward pass needs.
     *
     * @param inputs operands
     * @return true if recording and any of them is differentiable
     */
    public static boolean recording(List<Tensor> inputs) {
        return recording() && inputs.stream().anyMatch(Autograd::differentiable);
    }

    /**
     * Runs a computation whose results nobody will differentiate, as in inference: nothing is recorded, so no activation is kept
     * longer than the computation itself keeps it.
     *
     * @param computation what to run
     * @param <T> its result
     * @return its result
     */
    public static <T> T withoutGradients(Supplier<T> computation) {
        return ScopedValue.where(PAUSED, true).call(computation::get);
    }

    /**
     * Runs a computation that is recorded, even inside a backward pass: for backward passes that compute again, on
     * {@linkplain #leaf leaves} of their own, what the forward pass did not keep.
     *
     * @param computation what to run
     * @param <T> its result
     * @return its result
     */
    public static <T> T withGradients(Supplier<T> computation) {
        return ScopedValue.where(PAUSED, false).call(computation::get);
    }

    /**
     * Records an operation with one output.
     *
     * @param operation name for error messages
     * @param inputs differentiable operands, in the order of the gradients
     * @param output the result, a plain tensor
     * @param backward how gradients go back
     * @return the output, with lineage if anything is to be recorded
     */
    public static Tensor record(String operation, List<Tensor> inputs, Tensor output, Backward.Single backward) {
        return record(operation, inputs, List.of(output), upstream -> {
                    Tensor dy = upstream.getFirst();
                    return dy == null ? Arrays.asList(new @Nullable Tensor[inputs.size()]) : backward.gradients(dy);
                })
                .getFirst();
    }

    /**
     * Records an operation with several outputs.
     *
     * @param operation name for error messages
     * @param inputs differentiable operands, in the order of the gradients
     * @param outputs the results, plain tensors
     * @param backward how gradients go back
     * @return the outputs, with lineage if anything is to be recorded
     */
    public static List<Tensor> record(String operation, List<Tensor> inputs, List<Tensor> outputs, Backward backward) {
        if (!recording(inputs)) {
            return outputs;
        }
        var call = new Node.Call(operation, List.copyOf(inputs), outputs.size(), backward);
        var recorded = new ArrayList<Tensor>(outputs.size());
        for (int i = 0; i < outputs.size(); i++) {
            recorded.add(outputs.get(i).withLineage(new Node.Output(call, i)));
        }
        return recorded;
    }

    /**
     * The gradients of a scalar.
     *
     * @param loss a tensor with one element
     * @return gradients of every leaf it depends on
     * @throws ShapeException if the loss has more than one element
     */
    public static Gradients backward(Tensor loss) {
        if (loss.shape().size() != 1) {
            throw new ShapeException("backward: loss " + loss.shape() + " has "
                    + loss.shape().size() + " elements, not one; reduce it, or give the upstream gradient");
        }
        return backward(loss, Backend.of(loss).tensors().full(loss.shape(), 1));
    }

    /**
     * The gradients of Σ output∘upstream.
     *
     * @param output any differentiable tensor
     * @param upstream its gradient, of the same shape
     * @return gradients of every leaf it depends on
     * @throws ShapeException if the shapes differ or the output does not depend on a leaf
     */
    public static Gradients backward(Tensor output, Tensor upstream) {
        if (!output.shape().equals(upstream.shape())) {
            throw new ShapeException(
                    "backward: output " + output.shape() + " and upstream gradient " + upstream.shape() + " differ");
        }
        if (!(output.lineage() instanceof Node)) {
            throw new ShapeException(
                    "backward: output " + output.shape()
                            + " depends on no leaf; was it computed inside withoutGradients, or from tensors without Autograd.leaf?");
        }
        return withoutGradients(() -> new Sweep().run(output, detach(upstream)));
    }

    static Tensor sum(Tensor a, Tensor b) {
        return Backend.of(a).elementwise().binary(Binary.ADD, a, b);
    }
}
