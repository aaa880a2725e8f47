package org.filigree.core.optim;

import static org.filigree.core.op.Affine.scale;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Arithmetic.subtract;
import static org.filigree.core.op.MatMul.matmul;
import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.filigree.core.op.Permute.transpose;
import static org.filigree.core.op.Pointwise.square;

import java.util.Map;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.op.Clamp;
import org.filigree.core.op.Pointwise;
import org.filigree.core.op.Reduce;
import org.filigree.core.op.Reshape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * Momentum whose update is orthogonalised by Newton–Schulz iterations (Jordan et al., 2024), with the schedule and scale of the
 * DeepSeek-V4 report: M ← μM + G, U = μM + G, O = NS(U/‖U‖), W ← W(1 − ηλ) − η·0.18·√max(rows, cols)·O.
 */
public final class Muon implements Optimizer {
    private static final int FAST_ITERATIONS = 8;
    private static final int EXACT_ITERATIONS = 2;
    /** Below any gradient that matters, above the square root of the smallest float: a zero gradient gives a zero update. */
    private static final double LEAST_NORM = 1e-18;

    private final MuonConfig config;
    private final ParameterMap parameters;
    private final OptimizerState state;

    Muon(MuonConfig config, ParameterMap parameters) {
        parameters.forEach((path, parameter) -> {
            int rank = parameter.shape().rank();
            if (rank != 2 && rank != 3) {
                throw new ShapeException("muon: " + path + " " + parameter.shape()
                        + " is neither a matrix nor a stack of matrices; give it to AdamW");
            }
        });
        this.config = config;
        this.parameters = parameters;
        this.state = OptimizerState.zeros(parameters, "momentum");
    }

    @Override
    public void step(Gradients gradients, double rate) {
        parameters.forEach((path, parameter) -> gradients
                .find(parameter.value())
                .ifPresent(gradient -> update(path, Autograd.detach(parameter.value()), gradient, rate)));
    }

    private void update(String path, Tensor weight, Tensor gradient, double rate) {
        Backend backend = Backend.of(weight);
        Tensor momentum = state.get("momentum", path);
        backend.tensors().assign(momentum, add(scale(momentum, config.momentum()), gradient));
        Tensor direction = orthogonalized(add(scale(momentum, config.momentum()), gradient));
        double size = rate * config.updateRms() * Math.sqrt(Math.max(weight.dim(-1), weight.dim(-2)));
        backend.tensors().assign(weight, subtract(scale(weight, 1 - rate * config.decay()), scale(direction, size)));
    }

    /**
     * The nearest semi-orthogonal matrix, nearly: X ← aX + (b·XXᵀ + c·(XXᵀ)²)X, eight times with coefficients that grow small
     * singular values fast, then twice with coefficients that settle at 1.
     *
     * @param matrix [rows, cols] or [count, rows, cols]
     * @return same shape, singular values close to 1
     */
    static Tensor orthogonalized(Tensor matrix) {
        boolean tall = matrix.dim(-2) > matrix.dim(-1);
        Tensor x = tall ? transpose(matrix, -1, -2) : matrix;
        Tensor norm = Pointwise.sqrt(Reduce.sum(Reduce.sum(square(x), -1), -1));
        Tensor inverse = Pointwise.reciprocal(Clamp.clamp(norm, LEAST_NORM, Double.POSITIVE_INFINITY));
        x = multiply(x, Reshape.insertAxis(Reshape.insertAxis(inverse, -1), -1));
        for (int i = 0; i < FAST_ITERATIONS; i++) {
            x = iterate(x, 3.4445, -4.7750, 2.0315);
        }
        for (int i = 0; i < EXACT_ITERATIONS; i++) {
            x = iterate(x, 2, -1.5, 0.5);
        }
        return tall ? transpose(x, -1, -2) : x;
    }

    private static Tensor iterate(Tensor x, double a, double b, double c) {
        Tensor gram = matmulTransposed(x, x);
        Tensor polynomial = add(scale(gram, b), scale(matmul(gram, gram), c));
        return add(scale(x, a), matmul(polynomial, x));
    }

    @Override
    public Map<String, Tensor> state() {
        return state.asMap();
    }

    @Override
    public void restore(Map<String, Tensor> stored) {
        state.restore(stored);
    }
}
