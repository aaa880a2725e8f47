package org.filigree.moe;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.List;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.Conformance;
import org.filigree.core.testkit.EveryBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Tolerance;
import org.junit.jupiter.params.ParameterizedTest;

/** The case {@code blocks/routing}: experts exactly, weights and gradients of the logits. */
class RoutingConformance {
    private static final String LOGITS = ".logits";
    private static final Tolerance TOLERANCE = Tolerance.relative(1e-6);

    @ParameterizedTest
    @EveryBackend
    void expertsWeightsAndGradients(Backend backend) {
        try (SafetensorsFile file = Conformance.open("blocks/routing")) {
            List<String> cases = file.names().stream()
                    .filter(name -> name.endsWith(LOGITS))
                    .map(name -> name.substring(0, name.length() - LOGITS.length()))
                    .toList();
            assertFalse(cases.isEmpty(), "no case in " + file);
            cases.forEach(name -> check(file, name, backend));
        }
    }

    private static void check(SafetensorsFile file, String name, Backend backend) {
        Sample chosen = Conformance.sample(file, name + ".experts");
        int k = chosen.shape().dim(1);
        Tensor logits = Autograd.leaf(Conformance.sample(file, name + LOGITS).on(backend));
        Tensor bias = Conformance.sample(file, name + ".bias").on(backend);
        Routing routing = rule(name, k).route(logits, bias);
        int[] ascending = ascending(routing.experts());
        assertArrayEquals(
                Arrays.stream(chosen.values()).mapToInt(v -> (int) v).toArray(),
                taken(routing.experts().toDoubles(), ascending),
                name + ": experts");
        assertClose(
                name + ": weights",
                Conformance.sample(file, name + ".weights").values(),
                Arrays.stream(ascending)
                        .mapToDouble(at -> routing.weights().toDoubles()[at])
                        .toArray(),
                TOLERANCE);
        double[] given = Conformance.sample(file, name + ".upstream").values();
        double[] upstream = new double[given.length];
        for (int i = 0; i < given.length; i++) {
            upstream[ascending[i]] = given[i];
        }
        Tensor arriving = backend.tensors().doubles(routing.weights().shape(), upstream);
        assertClose(
                name + ": gradient",
                Conformance.sample(file, name + ".grad").values(),
                Autograd.backward(routing.weights(), arriving).of(logits),
                TOLERANCE);
    }

    /** What the names of the cases stand for; the file holds neither groups nor scales. */
    private static TopKRouting rule(String name, int k) {
        return switch (name) {
            case "v3_group_limited" -> TopKRouting.v3().withK(k);
            case "v4_sqrtsoftplus" -> TopKRouting.v4().withK(k);
            case "top16_sigmoid" -> TopKRouting.of(k, Scoring.SIGMOID);
            case "softmax_top2" -> TopKRouting.of(k, Scoring.SOFTMAX);
            default -> throw new AssertionError("the routing case " + name + " is unknown");
        };
    }

    /** Cases list a token's experts in ascending order, a routing lists the best first: places in the order of the cases. */
    private static int[] ascending(Tensor experts) {
        int[] chosen = experts.toInts();
        int k = experts.dim(1);
        int[] places = new int[chosen.length];
        for (int token = 0; token < experts.dim(0); token++) {
            for (int i = token * k; i < (token + 1) * k; i++) {
                int rank = 0;
                for (int j = token * k; j < (token + 1) * k; j++) {
                    rank += chosen[j] < chosen[i] ? 1 : 0;
                }
                places[token * k + rank] = i;
            }
        }
        return places;
    }

    private static int[] taken(double[] values, int[] places) {
        return Arrays.stream(places).map(at -> (int) values[at]).toArray();
    }
}
