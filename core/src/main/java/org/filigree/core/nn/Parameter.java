package org.filigree.core.nn;

import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/** A named quantity of a layer that is stored in checkpoints: learned by gradient, or state that training keeps by other means. */
public final class Parameter {
    private final Tensor value;
    private final Role role;

    /** How training treats a parameter. */
    public enum Role {
        /** Updated by an optimiser along its gradient. */
        LEARNED,
        /** Kept by the layer's own rule or fixed, never by gradient: balancing biases, hash tables. */
        STATE
    }

    private Parameter(Tensor value, Role role) {
        this.value = value;
        this.role = role;
    }

    /**
     * A parameter that optimisers update.
     *
     * @param value initial value, FLOAT32
     * @return the parameter
     */
    public static Parameter learned(Tensor value) {
        return new Parameter(Autograd.leaf(value), Role.LEARNED);
    }

    /**
     * A parameter that no gradient reaches.
     *
     * @param value initial value, of either type
     * @return the parameter
     */
    public static Parameter state(Tensor value) {
        return new Parameter(Autograd.detach(value), Role.STATE);
    }

    /** {@return the present value; a leaf of the graph if it is learned} */
    public Tensor value() {
        return value;
    }

    /** {@return how training treats it} */
    public Role role() {
        return role;
    }

    /** {@return extents} */
    public Shape shape() {
        return value.shape();
    }

    /** {@return element type} */
    public DType dtype() {
        return value.dtype();
    }

    /**
     * Overwrites the value in place.
     *
     * @param source same shape and type, on the same backend
     * @throws ShapeException if shape, type or backend differ
     */
    public void assign(Tensor source) {
        Backend.common("assign", value, source).tensors().assign(value, source);
    }

    @Override
    public String toString() {
        return role + " " + dtype() + shape();
    }
}
