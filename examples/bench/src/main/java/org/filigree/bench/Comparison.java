package org.filigree.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * Measures rows: after a warm-up, our side on all threads, our side on one, the machine's peak and every form of the peer
 * take turns, so that whatever else the machine does hits them alike; medians over all turns.
 */
final class Comparison {
    private static final int TURNS = 7;
    private static final double WARM_UP_SECONDS = 2;

    /** Lets the spinning threads of the side that had its turn go to sleep. */
    private static final long PAUSE_MILLIS = 30;

    private final Backend backend;
    private final Workers workers;
    private final MachineLimits limits;
    private final Peer peer;
    private final double turnSeconds;

    /** Holds the last result, so that no work can be optimised away. */
    private Tensor last;

    Comparison(HostBackend backend, MachineLimits limits, Peer peer, double turnSeconds) {
        this.backend = backend;
        this.workers = backend.workers();
        this.limits = limits;
        this.peer = peer;
        this.turnSeconds = turnSeconds;
        this.last = backend.tensors().zeros(Shape.of(1));
    }

    Row measure(Workload workload) {
        boolean oneThreadMatters = workload.targets().stream()
                .anyMatch(target -> target instanceof Target.ShareOfPeak || target instanceof Target.TimesOneThread);
        Supplier<Tensor> work = workload.setUp().apply(backend);
        Runnable ours = () -> last = work.get();
        Runnable onOneThread = () -> onOneThread(ours);
        List<Peer.Form> forms = peer.prepare(workload.peerKind(), workload.peerArguments());
        new Measurement().collect(WARM_UP_SECONDS, ours);
        new Measurement().collect(WARM_UP_SECONDS / 4, onOneThread);
        check(workload, forms);

        Measurement all = new Measurement();
        Measurement one = new Measurement();
        Measurement peak = new Measurement();
        Map<String, Measurement> theirs = new LinkedHashMap<>();
        for (int turn = 0; turn < TURNS; turn++) {
            pause();
            all.collect(turnSeconds, ours);
            if (oneThreadMatters) {
                one.collect(turnSeconds, onOneThread);
                peak.add(limits.peakFlops());
            }
            for (Peer.Form form : forms) {
                pause();
                peer.run(form.name(), turnSeconds, theirs.computeIfAbsent(form.name(), name -> new Measurement()));
            }
        }
        return new Row(workload, all, one, peak, theirs);
    }

    /** A loop inside a chunk runs on the chunk's thread, so a loop of two chunks of which one does nothing is one thread. */
    private void onOneThread(Runnable work) {
        workers.parallelFor(2, chunk -> {
            if (chunk == 0) {
                work.run();
            }
        });
    }

    private void check(Workload workload, List<Peer.Form> forms) {
        float[] result = last.toFloats();
        List<String> wrong = new ArrayList<>();
        for (Peer.Form form : forms) {
            for (int i = 0; i < form.positions().size(); i++) {
                int position = form.positions().get(i);
                double expected = form.values().get(i);
                if (!(Math.abs(result[position] - expected) <= workload.tolerance())) {
                    wrong.add(form.name() + "[" + position + "] = " + expected + ", ours " + result[position]);
                }
            }
        }
        if (!wrong.isEmpty()) {
            throw new IllegalStateException("bench: " + workload.name() + " differs from the peer by more than "
                    + workload.tolerance() + ": " + wrong.subList(0, Math.min(3, wrong.size())));
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
