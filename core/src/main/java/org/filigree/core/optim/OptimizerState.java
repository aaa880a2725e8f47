package org.filigree.core.optim;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.Tensor;

/** Named buffers of an optimiser, one of each kind for every parameter, starting at zero. */
final class OptimizerState {
    private final Map<String, Tensor> buffers = new LinkedHashMap<>();

    static OptimizerState zeros(ParameterMap parameters, String... kinds) {
        var state = new OptimizerState();
        parameters.forEach((path, parameter) -> {
            for (String kind : kinds) {
                state.add(kind + "." + path, parameter);
            }
        });
        return state;
    }

    private void add(String name, Parameter parameter) {
        buffers.put(name, Backend.of(parameter.value()).tensors().zeros(parameter.shape()));
    }

    OptimizerState with(String name, Tensor buffer) {
        buffers.put(name, buffer);
        return this;
    }

    Tensor get(String kind, String path) {
        return get(kind + "." + path);
    }

    Tensor get(String name) {
        Tensor buffer = buffers.get(name);
        if (buffer == null) {
            throw new IllegalArgumentException("optimiser: there is no state " + name);
        }
        return buffer;
    }

    Map<String, Tensor> asMap() {
        return new LinkedHashMap<>(buffers);
    }

    void restore(Map<String, Tensor> stored) {
        var missing = new TreeSet<>(buffers.keySet());
        missing.removeAll(stored.keySet());
        var unknown = new TreeSet<>(stored.keySet());
        unknown.removeAll(buffers.keySet());
        if (!missing.isEmpty() || !unknown.isEmpty()) {
            throw new IllegalArgumentException(
                    "optimiser: stored state does not fit; missing " + missing + ", unknown " + unknown);
        }
        stored.forEach((name, tensor) -> Backend.of(tensor).tensors().assign(get(name), tensor));
    }
}
