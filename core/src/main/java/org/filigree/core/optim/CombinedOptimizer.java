package org.filigree.core.optim;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.tensor.Tensor;

/** Several optimisers, each for its own parameters: Muon for matrices, AdamW for the rest, a faster AdamW for memory tables. */
public final class CombinedOptimizer implements Optimizer {
    private final List<Optimizer> parts;

    private CombinedOptimizer(List<Optimizer> parts) {
        this.parts = parts;
    }

    /**
     * Combines optimisers.
     *
     * @param parts optimisers of disjoint parameters
     * @return one that steps them all
     */
    public static CombinedOptimizer of(Optimizer... parts) {
        return new CombinedOptimizer(List.of(parts));
    }

    @Override
    public void step(Gradients gradients, double rate) {
        parts.forEach(part -> part.step(gradients, rate));
    }

    @Override
    public Map<String, Tensor> state() {
        var all = new LinkedHashMap<String, Tensor>();
        for (int i = 0; i < parts.size(); i++) {
            int part = i;
            parts.get(i).state().forEach((name, tensor) -> all.put(part + "." + name, tensor));
        }
        return all;
    }

    @Override
    public void restore(Map<String, Tensor> state) {
        for (int i = 0; i < parts.size(); i++) {
            String prefix = i + ".";
            var own = new LinkedHashMap<String, Tensor>();
            state.forEach((name, tensor) -> {
                if (name.startsWith(prefix)) {
                    own.put(name.substring(prefix.length()), tensor);
                }
            });
            parts.get(i).restore(own);
        }
    }
}
