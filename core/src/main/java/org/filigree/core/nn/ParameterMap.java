package org.filigree.core.nn;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;
import org.filigree.core.nn.Parameter.Role;

/**
 * Parameters by dotted path, in a fixed order. A layer lists its own parameters under their names and its children's under the
 * child's name and a dot; so {@code layers.3.attn.wq_a.weight} comes about.
 */
public final class ParameterMap {
    private static final ParameterMap EMPTY = new ParameterMap(new LinkedHashMap<>());

    private final SequencedMap<String, Parameter> byPath;

    private ParameterMap(SequencedMap<String, Parameter> byPath) {
        this.byPath = byPath;
    }

    /** {@return a map without parameters} */
    public static ParameterMap empty() {
        return EMPTY;
    }

    /**
     * This map and one more parameter.
     *
     * @param path its path
     * @param parameter the parameter
     * @return a new map
     * @throws IllegalArgumentException if the path is taken
     */
    public ParameterMap with(String path, Parameter parameter) {
        var copy = new LinkedHashMap<>(byPath);
        put(copy, path, parameter);
        return new ParameterMap(copy);
    }

    /**
     * This map and the parameters of a child, each path behind the child's name and a dot.
     *
     * @param name name of the child; empty to add its parameters under their own paths
     * @param child the child's parameters
     * @return a new map
     * @throws IllegalArgumentException if a path is taken
     */
    public ParameterMap with(String name, ParameterMap child) {
        var copy = new LinkedHashMap<>(byPath);
        child.byPath.forEach((path, parameter) -> put(copy, name.isEmpty() ? path : name + "." + path, parameter));
        return new ParameterMap(copy);
    }

    private static void put(Map<String, Parameter> map, String path, Parameter parameter) {
        if (map.put(path, parameter) != null) {
            throw new IllegalArgumentException(
                    "parameters: the path " + path + " is taken twice; give each child its own name");
        }
    }

    /** {@return all parameters by path, in order, unmodifiable} */
    public Map<String, Parameter> asMap() {
        return Collections.unmodifiableMap(byPath);
    }

    /**
     * The parameter under a path.
     *
     * @param path its path
     * @return the parameter
     * @throws IllegalArgumentException if there is none
     */
    public Parameter get(String path) {
        Parameter parameter = byPath.get(path);
        if (parameter == null) {
            throw new IllegalArgumentException(
                    "parameters: there is no " + path + " among the " + byPath.size() + " parameters");
        }
        return parameter;
    }

    /**
     * The parameters that satisfy a condition.
     *
     * @param condition on path and parameter
     * @return a smaller map, same order
     */
    public ParameterMap filter(BiPredicate<String, Parameter> condition) {
        var kept = new LinkedHashMap<String, Parameter>();
        byPath.forEach((path, parameter) -> {
            if (condition.test(path, parameter)) {
                kept.put(path, parameter);
            }
        });
        return new ParameterMap(kept);
    }

    /** {@return the parameters that optimisers update} */
    public ParameterMap learned() {
        return filter((path, parameter) -> parameter.role() == Role.LEARNED);
    }

    /**
     * Visits every parameter in order.
     *
     * @param action on path and parameter
     */
    public void forEach(BiConsumer<String, Parameter> action) {
        byPath.forEach(action);
    }

    /** {@return how many parameters there are} */
    public int size() {
        return byPath.size();
    }

    /** {@return how many numbers they hold in all} */
    public long elements() {
        return byPath.values().stream()
                .mapToLong(parameter -> parameter.shape().size())
                .sum();
    }
}
