package org.filigree.bench;

import java.util.List;
import java.util.Map;

/**
 * Stands in where the peer cannot be started: ratios to the machine's limits are still printed.
 *
 * @param description why there is none
 */
record NoPeer(String description) implements Peer {
    @Override
    public List<Form> prepare(String kind, Map<String, Object> arguments) {
        return List.of();
    }

    @Override
    public void run(String form, double seconds, Measurement into) {
        throw new IllegalStateException("peer: " + description);
    }

    @Override
    public void close() {}
}
