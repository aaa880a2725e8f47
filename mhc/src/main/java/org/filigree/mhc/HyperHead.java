package org.filigree.mhc;

import static org.filigree.core.op.Affine.shift;
import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.Arithmetic.multiply;
import static org.filigree.core.op.Pointwise.sigmoid;

import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Layer;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;

/**
 * The way out of the streams in DeepSeek-V4: Σ_j w_j·X_j with w = σ(α·(φ·vec X)/rms(vec X) + b) + ε. The weights do not sum to 1; the
 * model's last norm follows. Parameters {@code fn} [n, n·width], {@code base} [n], {@code scale} [1].
 */
public final class HyperHead implements Layer {
    private static final double SCALE = 0.01;

    private final Parameter fn;
    private final Parameter base;
    private final Parameter scale;
    private final double normEps;
    private final double eps;

    /**
     * A head over parameters.
     *
     * @param fn φ [streams, streams·width], columns stream-major
     * @param base b [streams]
     * @param scale α [1]
     * @param normEps added to the mean square of all streams
     * @param eps ε, added to every weight
     */
    public HyperHead(Parameter fn, Parameter base, Parameter scale, double normEps, double eps) {
        Check.rank("hyper-head", "fn", fn.value(), 2);
        int n = fn.shape().dim(0);
        Check.positive("hyper-head: streams", n);
        Check.divides("hyper-head: columns of fn", fn.shape().dim(1), "streams", n);
        Check.shape("hyper-head", "base", base.value(), n);
        Check.shape("hyper-head", "scale", scale.value(), 1);
        Check.notNegative("hyper-head: normEps", normEps);
        Check.notNegative("hyper-head: eps", eps);
        this.fn = fn;
        this.base = base;
        this.scale = scale;
        this.normEps = normEps;
        this.eps = eps;
    }

    static HyperHead init(HyperConnectionsConfig config, Backend backend) {
        int n = config.streams();
        double eps = config.mixing() instanceof Mixing.DoublyStochastic form ? form.eps() : 0;
        double logitOfMean = n == 1 ? 0 : -Math.log(n - 1);
        return new HyperHead(
                Parameter.learned(backend.tensors().zeros(Shape.of(n, n * config.width()))),
                Parameter.learned(backend.tensors().full(Shape.of(n), logitOfMean)),
                Parameter.learned(backend.tensors().full(Shape.of(1), SCALE)),
                config.normEps(),
                eps);
    }

    /**
     * Leaves the streams.
     *
     * @param streams X [outer…, streams, width], at least one outer axis
     * @return [outer…, width]
     * @throws ShapeException if X has other streams or another width
     */
    public Tensor forward(Tensor streams) {
        return MixWeights.collapse(streams, weights(streams));
    }

    /**
     * The weights w.
     *
     * @param streams X [outer…, streams, width]
     * @return [outer…, streams]
     * @throws ShapeException if X has other streams or another width
     */
    public Tensor weights(Tensor streams) {
        int n = base.shape().dim(0);
        int width = fn.shape().dim(1) / n;
        if (streams.shape().rank() < 3 || streams.dim(-2) != n || streams.dim(-1) != width) {
            throw new ShapeException("hyper-head: streams " + streams.shape() + " must be [outer…, " + n + " streams, "
                    + width + " width]");
        }
        Tensor m = NormalisedProjection.of(streams, fn.value(), normEps);
        return shift(sigmoid(add(multiply(m, scale.value()), base.value())), eps);
    }

    @Override
    public Tensor forward(Tensor streams, Context context) {
        return forward(streams);
    }

    @Override
    public ParameterMap parameters() {
        return ParameterMap.empty().with("fn", fn).with("base", base).with("scale", scale);
    }

    /**
     * The parameters under released names.
     *
     * @param prefix for example {@code hc_head_}
     * @return the parameters, each path behind the prefix
     */
    public ParameterMap parameters(String prefix) {
        return HyperConnections.prefixed(prefix, parameters());
    }
}
