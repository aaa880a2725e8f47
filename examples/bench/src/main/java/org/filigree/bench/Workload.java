package org.filigree.bench;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.filigree.core.backend.Backend;

/**
 * One row of a table.
 *
 * @param name what the row says
 * @param flops floating-point operations of the work, 0 where they do not matter
 * @param bytes bytes that must move between memory and processor, 0 where they do not matter
 * @param tolerance largest difference between an element of our results and the peer's, absolute
 * @param targets what the row is meant to reach
 * @param peerKind name of the work in the peer's script, or {@link #NO_PEER}
 * @param peerArguments sizes, for the peer
 * @param setUp makes the operands and gives our side of the work, whose results are compared; called when the row's turn comes, so
 *     that the operands of one row are gone before the next
 */
record Workload(
        String name,
        double flops,
        double bytes,
        double tolerance,
        List<Target> targets,
        String peerKind,
        Map<String, Object> peerArguments,
        Function<Backend, Work> setUp) {
    /** In place of a kind, where no peer does the work. */
    static final String NO_PEER = "";
}
