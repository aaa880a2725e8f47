package org.filigree.mhc;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Shape;
import org.filigree.core.testkit.Sample;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Numbers from {@code mhc_golden_small.json}: float64 results of an independent implementation of mHC and its relatives. */
final class Golden {
    private static final JsonNode ALL = read();

    private Golden() {}

    private static JsonNode read() {
        try (InputStream in = Golden.class.getResourceAsStream("/mhc_golden_small.json")) {
            return new ObjectMapper().readTree(in);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    static JsonNode entry(String name) {
        return ALL.required(name);
    }

    /** Nested arrays as a sample whose shape they have; numbers are not rounded. */
    static Sample sample(JsonNode owner, String name) {
        var dims = new ArrayList<Integer>();
        for (JsonNode at = owner.required(name); at.isArray(); at = at.get(0)) {
            dims.add(at.size());
        }
        var values = new ArrayList<Double>();
        collect(owner.required(name), values);
        return new Sample(
                name,
                Shape.of(dims.stream().mapToInt(Integer::intValue).toArray()),
                DType.FLOAT32,
                values.stream().mapToDouble(Double::doubleValue).toArray(),
                Sample.Role.VARIABLE);
    }

    static double[] values(JsonNode owner, String name) {
        return sample(owner, name).values();
    }

    static double[][] matrix(JsonNode rows) {
        double[][] matrix = new double[rows.size()][];
        for (int i = 0; i < matrix.length; i++) {
            double[] row = new double[rows.get(i).size()];
            JsonNode source = rows.get(i);
            Arrays.setAll(row, k -> source.get(k).asDouble());
            matrix[i] = row;
        }
        return matrix;
    }

    private static void collect(JsonNode node, List<Double> into) {
        if (node.isArray()) {
            node.forEach(child -> collect(child, into));
        } else {
            into.add(node.asDouble());
        }
    }
}
