package org.filigree.bench;

import java.util.List;
import java.util.Map;

/** Another implementation of the same work, measured in turns with ours. */
interface Peer extends AutoCloseable {
    /** {@return name and version, or why there is none} */
    String description();

    /**
     * Sets up one piece of work and warms it up.
     *
     * @param kind name of the work
     * @param arguments its sizes
     * @return the forms in which the peer can do it, with some values of each form's result; empty where it cannot
     */
    List<Form> prepare(String kind, Map<String, Object> arguments);

    /**
     * Repeats the prepared work.
     *
     * @param form name of a form that {@link #prepare} returned
     * @param seconds how long
     * @param into where the times go
     */
    void run(String form, double seconds, Measurement into);

    @Override
    void close();

    /**
     * One way in which the peer does the work.
     *
     * @param name for the table
     * @param results what it computed
     */
    record Form(String name, List<Result> results) {}

    /**
     * What is known of one of the peer's results.
     *
     * @param positions indices into the flattened result
     * @param values the elements there
     * @param norm square root of the sum of all squares
     */
    record Result(List<Integer> positions, List<Double> values, double norm) {}
}
