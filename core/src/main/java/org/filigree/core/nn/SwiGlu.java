package org.filigree.core.nn;

import static org.filigree.core.op.SwiGlu.swiGlu;

import org.filigree.core.tensor.Tensor;

/**
 * Gated feed-forward layer: y = W₂·(silu(W₁x)∘W₃x), both factors clamped if there is a limit (Shazeer, 2020). Parameters
 * {@code w1} (gate), {@code w3} (up), {@code w2} (down), each with {@code weight}.
 */
public final class SwiGlu implements Layer {
    private final Linear gate;
    private final Linear up;
    private final Linear down;
    private final double limit;

    /**
     * A layer over three projections.
     *
     * @param gate w1, width to hidden
     * @param up w3, width to hidden
     * @param down w2, hidden to width
     * @param limit clamp, +∞ for none
     */
    public SwiGlu(Linear gate, Linear up, Linear down, double limit) {
        this.gate = gate;
        this.up = up;
        this.down = down;
        this.limit = limit;
    }

    /**
     * Applies the layer.
     *
     * @param x [outer…, width]
     * @return same shape
     */
    public Tensor forward(Tensor x) {
        return down.forward(swiGlu(gate.forward(x), up.forward(x), limit));
    }

    @Override
    public Tensor forward(Tensor x, Context context) {
        return forward(x);
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty()
                .with("w1", gate.parameters())
                .with("w2", down.parameters())
                .with("w3", up.parameters());
    }
}
