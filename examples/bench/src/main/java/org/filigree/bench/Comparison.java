package org.filigree.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.tensor.Tensor;

/**
 * Measures rows: after a warm-up, our side on all threads, our side on one, the machine's peak and every form of the peer
 * take turns, so that whatever else the machine does hits them alike; medians over all turns.
 */
final class Comparison {
    private static final int TURNS = 7;
    private static final double WARM_UP_SECONDS = 2;
    private static final double NORM_TOLERANCE = 1e-5;

    /** Lets the spinning threads of the side that had its turn go to sleep. */
    private static final long PAUSE_MILLIS = 30;

    private final Backend backend;
    private final Workers workers;
    private final MachineLimits limits;
    private final Peer peer;
    private final Peer keeping;
    private final double turnSeconds;

    /** Holds the last results, so that no work can be optimised away. */
    private List<Tensor> last = List.of();

    Comparison(HostBackend backend, MachineLimits limits, Peer peer, Peer keeping, double turnSeconds) {
        this.backend = backend;
        this.workers = backend.workers();
        this.limits = limits;
        this.peer = peer;
        this.keeping = keeping;
        this.turnSeconds = turnSeconds;
    }

    Row measure(Workload workload) {
        Map<Target, Work> others = others(workload);
        try (Work work = workload.setUp().apply(backend)) {
            return measure(workload, work, others);
        } finally {
            others.values().forEach(Work::close);
        }
    }

    private Row measure(Workload workload, Work work, Map<Target, Work> others) {
        boolean oneThreadMatters = workload.targets().stream()
                .anyMatch(target -> target instanceof Target.ShareOfPeak || target instanceof Target.TimesOneThread);
        Runnable ours = () -> last = work.run();
        Runnable onOneThread = () -> onOneThread(ours);
        boolean bytesMatter = workload.bytes() > 0;
        List<Peer.Form> forms = prepare(peer, workload);
        List<Peer.Form> keepingForms = bytesMatter ? prepare(keeping, workload) : List.of();
        new Measurement().collect(WARM_UP_SECONDS, ours);
        if (oneThreadMatters) {
            new Measurement().collect(WARM_UP_SECONDS / 4, onOneThread);
        }
        others.values().forEach(other -> new Measurement().collect(WARM_UP_SECONDS, () -> last = other.run()));
        ours.run();
        check(workload, work.results(last), forms);

        Measurement all = new Measurement();
        Measurement one = new Measurement();
        Measurement peak = new Measurement();
        Measurement bandwidth = new Measurement();
        Map<String, Measurement> theirs = new LinkedHashMap<>();
        Map<String, Measurement> kept = new LinkedHashMap<>();
        Map<Target, Measurement> compared = new LinkedHashMap<>();
        for (int turn = 0; turn < TURNS; turn++) {
            pause();
            all.collect(turnSeconds, ours);
            for (var other : others.entrySet()) {
                compared.computeIfAbsent(other.getKey(), target -> new Measurement())
                        .collect(turnSeconds, () -> last = other.getValue().run());
            }
            if (oneThreadMatters) {
                one.collect(turnSeconds, onOneThread);
                peak.add(limits.peakFlops());
            }
            if (bytesMatter) {
                bandwidth.add(limits.bandwidth(workers));
            }
            takeTurn(peer, forms, theirs);
            takeTurn(keeping, keepingForms, kept);
        }
        // Nothing of this row may weigh on the next.
        last = List.of();
        return new Row(workload, all, one, peak, bandwidth, theirs, kept, compared);
    }

    /** Our own work that targets compare the row with. */
    private Map<Target, Work> others(Workload workload) {
        Map<Target, Work> others = new LinkedHashMap<>();
        for (Target target : workload.targets()) {
            if (target instanceof Target.CostOver cost) {
                others.put(target, cost.setUp().apply(backend));
            }
        }
        return others;
    }

    private static List<Peer.Form> prepare(Peer side, Workload workload) {
        return workload.peerKind().equals(Workload.NO_PEER)
                ? List.of()
                : side.prepare(workload.peerKind(), workload.peerArguments());
    }

    private void takeTurn(Peer side, List<Peer.Form> forms, Map<String, Measurement> into) {
        for (Peer.Form form : forms) {
            pause();
            side.run(form.name(), turnSeconds, into.computeIfAbsent(form.name(), name -> new Measurement()));
        }
    }

    /** A loop inside a chunk runs on the chunk's thread, so a loop of two chunks of which one does nothing is one thread. */
    private void onOneThread(Runnable work) {
        workers.parallelFor(2, chunk -> {
            if (chunk == 0) {
                work.run();
            }
        });
    }

    private static void check(Workload workload, List<Tensor> results, List<Peer.Form> forms) {
        for (int i = 0; !forms.isEmpty() && i < results.size(); i++) {
            float[] ours = results.get(i).toFloats();
            double norm = norm(ours);
            for (Peer.Form form : forms) {
                Peer.Result theirs = form.results().get(i);
                // The sum of squares sees every element, where the sample sees a few exactly.
                boolean agree = Math.abs(norm - theirs.norm())
                        <= workload.tolerance() * Math.sqrt(ours.length) + NORM_TOLERANCE * theirs.norm();
                for (int j = 0; j < theirs.positions().size(); j++) {
                    agree &= Math.abs(ours[theirs.positions().get(j)]
                                    - theirs.values().get(j))
                            <= workload.tolerance();
                }
                if (!agree) {
                    throw new IllegalStateException("bench: " + workload.name() + ", result " + i + " " + form.name()
                            + " differs from ours by more than " + workload.tolerance() + "; norms " + norm + " and "
                            + theirs.norm() + ", sample " + theirs.values());
                }
            }
        }
    }

    private static double norm(float[] x) {
        double squares = 0;
        for (float value : x) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares);
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
