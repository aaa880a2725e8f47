package org.filigree.v4.stability;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.filigree.mhc.Gain;
import org.filigree.mhc.Mixing;
import org.filigree.v4.report.GainPlot;
import org.filigree.v4.report.GainPlot.Point;
import org.filigree.v4.report.GainPlot.Role;
import org.filigree.v4.report.GainPlot.Series;
import org.filigree.v4.stability.StabilityResult.Measured;

/** The results as plots of composite gain over depth. The published start is left out before training: all gains are 1 there. */
public final class StabilityPlots {
    private StabilityPlots() {}

    /**
     * Composite gain forward, which activations go through.
     *
     * @param results of an experiment
     * @return the plot
     */
    public static GainPlot forward(List<StabilityResult> results) {
        return new GainPlot(
                "Composite gain of residual mixes: forward",
                "largest composite gain, forward",
                series(results, Gain::forward));
    }

    /**
     * Composite gain backward, which gradients go through.
     *
     * @param results of an experiment
     * @return the plot
     */
    public static GainPlot backward(List<StabilityResult> results) {
        return new GainPlot(
                "Composite gain of residual mixes: backward",
                "largest composite gain, backward",
                series(results, Gain::backward));
    }

    private static List<Series> series(List<StabilityResult> results, ToDoubleFunction<Gain> direction) {
        var series = new ArrayList<Series>();
        for (Contender contender :
                results.stream().map(StabilityResult::contender).distinct().toList()) {
            List<StabilityResult> own = results.stream()
                    .filter(result -> result.contender().equals(contender))
                    .toList();
            boolean residual = contender.mixing() instanceof Mixing.Residual;
            boolean constrained = contender.mixing() instanceof Mixing.DoublyStochastic;
            if (contender.start() instanceof Contender.Start.Drawn) {
                series.add(series(
                        contender.name() + ", untrained",
                        constrained ? Role.CONSTRAINED_START : Role.UNCONSTRAINED_START,
                        own,
                        result -> result.start(),
                        direction));
                series.add(series(
                        contender.name() + ", trained",
                        constrained ? Role.CONSTRAINED_DRAWN : Role.UNCONSTRAINED_DRAWN,
                        own,
                        result -> result.trained(),
                        direction));
            } else {
                series.add(series(
                        residual ? "residual" : contender.name() + ", trained",
                        residual ? Role.RESIDUAL : constrained ? Role.CONSTRAINED : Role.UNCONSTRAINED,
                        own,
                        result -> result.trained(),
                        direction));
            }
        }
        return series;
    }

    private interface Moment {
        Measured of(StabilityResult result);
    }

    private static Series series(
            String name, Role role, List<StabilityResult> own, Moment moment, ToDoubleFunction<Gain> direction) {
        return new Series(
                name,
                role,
                own.stream()
                        .map(result -> new Point(
                                result.depth(),
                                direction.applyAsDouble(moment.of(result).composite())))
                        .toList());
    }
}
