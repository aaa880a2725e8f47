package org.filigree.engram;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Numbers of an independent implementation in double precision, which was compared with the published reference functions. */
final class Golden {
    private static final JsonNode ROOT = load();

    private Golden() {}

    static JsonNode at(String... path) {
        JsonNode node = ROOT;
        for (String name : path) {
            node = Objects.requireNonNull(node.get(name), name);
        }
        return node;
    }

    private static JsonNode load() {
        try (InputStream in = Objects.requireNonNull(Golden.class.getResourceAsStream("/golden.json"))) {
            return new ObjectMapper().readTree(in.readAllBytes());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** All numbers below a node, in order. */
    static double[] doubles(JsonNode node) {
        List<JsonNode> leaves = new ArrayList<>();
        collect(node, leaves);
        return leaves.stream().mapToDouble(JsonNode::asDouble).toArray();
    }

    static float[] floats(JsonNode node) {
        double[] values = doubles(node);
        float[] narrow = new float[values.length];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (float) values[i];
        }
        return narrow;
    }

    static int[] ints(JsonNode node) {
        List<JsonNode> leaves = new ArrayList<>();
        collect(node, leaves);
        return leaves.stream().mapToInt(JsonNode::asInt).toArray();
    }

    /** 64-bit numbers, which the file keeps as text. */
    static long[] longs(JsonNode node) {
        List<JsonNode> leaves = new ArrayList<>();
        collect(node, leaves);
        return leaves.stream()
                .mapToLong(leaf -> Long.parseUnsignedLong(leaf.asString()))
                .toArray();
    }

    private static void collect(JsonNode node, List<JsonNode> leaves) {
        if (node.isArray() || node.isObject()) {
            for (JsonNode child : node.values()) {
                collect(child, leaves);
            }
        } else {
            leaves.add(node);
        }
    }
}
