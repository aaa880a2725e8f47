package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** How the caches of a sequence hang together, and in which order a snapshot holds those that store rows. */
final class SnapshotCaches {
    /**
     * A cache that stores rows.
     *
     * @param name what errors call it: its layer, and whether it holds tokens or entries
     * @param cache the cache
     * @param stored the same, to be filled with rows as they were stored
     */
    record Leaf(String name, KvCache cache, RestorableCache stored) {
        List<String> planes() {
            return stored.storage().planes().stream()
                    .map(SnapshotHeader::description)
                    .toList();
        }
    }

    private SnapshotCaches() {}

    /** Visits the caches that store rows, in order; those that a {@link CompressedKvCache} joins while it lets nobody change them. */
    static void visit(String operation, SequenceCache sequence, Consumer<Leaf> visitor) {
        for (int layer = 0; layer < sequence.layers(); layer++) {
            visit(operation, "layer " + layer, sequence.layer(layer), visitor);
        }
    }

    private static void visit(String operation, String name, KvCache cache, Consumer<Leaf> visitor) {
        if (cache instanceof CompressedKvCache compressed) {
            compressed.inStep(() -> {
                visit(operation, name + ", tokens", compressed.tokens(), visitor);
                visit(operation, name + ", entries", compressed.entries(), visitor);
            });
            return;
        }
        RestorableCache stored = RestorableCache.of(cache)
                .orElseThrow(() -> new KvCacheException(
                        KvCacheException.Reason.LAYOUT,
                        operation + ": " + name + " is " + cache
                                + ", no cache of this library, so how it stores rows is not known; save what it was made"
                                + " from, or use a cache of this library"));
        visitor.accept(new Leaf(name, cache, stored));
    }

    static List<Leaf> leaves(String operation, SequenceCache sequence) {
        var leaves = new ArrayList<Leaf>();
        visit(operation, sequence, leaves::add);
        return leaves;
    }

    /** For every layer, the parts of its rows, and how many tokens stand behind an entry. */
    static List<String> shapes(SequenceCache sequence) {
        var shapes = new ArrayList<String>();
        for (int layer = 0; layer < sequence.layers(); layer++) {
            shapes.add(shape(sequence.layer(layer)));
        }
        return shapes;
    }

    private static String shape(KvCache cache) {
        return cache instanceof CompressedKvCache compressed
                ? "[" + shape(compressed.tokens()) + " / " + compressed.ratio() + " " + shape(compressed.entries())
                        + "]"
                : String.valueOf(cache.layout());
    }

    /**
     * What contradicts itself in the lengths of a sequence: layers must hold the same tokens, and entries all complete runs of theirs.
     *
     * @param lengths of the caches that store rows, in order
     */
    static Optional<String> contradiction(SequenceCache sequence, List<Integer> lengths) {
        Iterator<Integer> remaining = lengths.iterator();
        int first = 0;
        Optional<String> found = Optional.empty();
        for (int layer = 0; layer < sequence.layers() && found.isEmpty(); layer++) {
            Step step = step("layer " + layer, sequence.layer(layer), remaining);
            if (layer == 0) {
                first = step.tokens;
            }
            found = step.contradiction;
            if (found.isEmpty() && step.tokens != first) {
                found = Optional.of("layer 0 holds " + first + " tokens but layer " + layer + " holds " + step.tokens);
            }
        }
        return found;
    }

    private record Step(int tokens, Optional<String> contradiction) {}

    private static Step step(String name, KvCache cache, Iterator<Integer> lengths) {
        if (!(cache instanceof CompressedKvCache compressed)) {
            return new Step(lengths.next(), Optional.empty());
        }
        Step tokens = step(name + ", tokens", compressed.tokens(), lengths);
        Step entries = step(name + ", entries", compressed.entries(), lengths);
        int complete = tokens.tokens / compressed.ratio();
        Optional<String> here = entries.tokens == complete
                ? Optional.empty()
                : Optional.of(name + " holds " + tokens.tokens + " tokens, which are " + complete + " complete runs of "
                        + compressed.ratio() + ", but " + entries.tokens + " entries");
        return new Step(
                tokens.tokens,
                tokens.contradiction.or(() -> entries.contradiction).or(() -> here));
    }
}
