package org.filigree.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * What was measured for one row.
 *
 * @param workload the work
 * @param all our times on all threads
 * @param one our times on one thread, empty where no target asks for them
 * @param peak peaks of one thread in operations per second, measured between the turns; empty like {@code one}
 * @param bandwidth of all threads in bytes per second, measured between the turns; empty where no target asks for it
 * @param theirs the peer's times, by form
 * @param keeping the peer's times where its allocator keeps what is freed, by form; empty for work whose bytes do not matter
 * @param others times of the other work of ours that a target compares with, by target
 */
record Row(
        Workload workload,
        Measurement all,
        Measurement one,
        Measurement peak,
        Measurement bandwidth,
        Map<String, Measurement> theirs,
        Map<String, Measurement> keeping,
        Map<Target, Measurement> others) {
    static final String HEADER = """
            | work | ours | rate | peer eager | peer compiled | × peer | × peer with pages kept | one thread / peak | all / one | of bandwidth | targets |
            |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|
            """;

    /** One line of the Markdown table. */
    String markdown() {
        double time = all.median();
        List<String> cells = new ArrayList<>();
        cells.add(workload.name());
        cells.add(time(time));
        cells.add(
                workload.flops() > 0
                        ? String.format(Locale.ROOT, "%.0f GFLOP/s", workload.flops() / time * 1e-9)
                        : String.format(Locale.ROOT, "%.1f GB/s", workload.bytes() / time * 1e-9));
        String absent = workload.peerKind().equals(Workload.NO_PEER) ? "" : "missing";
        Stream.of("eager", "compiled")
                .map(theirs::get)
                .map(form -> form == null ? absent : time(form.median()))
                .forEach(cells::add);
        cells.add(cell(timesPeer(theirs)));
        cells.add(cell(timesPeer(keeping)));
        cells.add(cell(shareOfPeak()));
        cells.add(cell(timesOneThread()));
        cells.add(cell(shareOfBandwidth()));
        List<String> verdicts = new ArrayList<>();
        for (Target target : workload.targets()) {
            verdicts.add(verdict(target));
        }
        cells.add(String.join("; ", verdicts));
        return "| " + String.join(" | ", cells) + " |";
    }

    /** How many of the targets were measured and missed. */
    long missed() {
        return workload.targets().stream()
                .filter(target -> {
                    OptionalDouble reached = reached(target);
                    return reached.isPresent() && !target.metBy(reached.getAsDouble());
                })
                .count();
    }

    private String verdict(Target target) {
        String name = switch (target) {
            case Target.TimesPeer _ -> "peer";
            case Target.ShareOfPeak _ -> "peak";
            case Target.TimesOneThread _ -> "threads";
            case Target.ShareOfBandwidth _ -> "bandwidth";
            case Target.CostOver cost -> "time / " + cost.name();
        };
        OptionalDouble reached = reached(target);
        String outcome = reached.isEmpty() ? "not measured" : target.metBy(reached.getAsDouble()) ? "met" : "missed";
        return switch (target) {
            case Target.CostOver _ ->
                String.format(Locale.ROOT, "%s ≤ %.2f %s (%s)", name, target.ratio(), outcome, cell(reached(target)));
            default -> String.format(Locale.ROOT, "%s ≥ %.2f %s", name, target.ratio(), outcome);
        };
    }

    private OptionalDouble reached(Target target) {
        return switch (target) {
            case Target.TimesPeer _ -> timesPeer(theirs);
            case Target.ShareOfPeak _ -> shareOfPeak();
            case Target.TimesOneThread _ -> timesOneThread();
            case Target.ShareOfBandwidth _ -> shareOfBandwidth();
            case Target.CostOver _ -> timesOther(target);
        };
    }

    private OptionalDouble timesOther(Target target) {
        Measurement other = others.get(target);
        return other == null ? OptionalDouble.empty() : OptionalDouble.of(all.median() / other.median());
    }

    private OptionalDouble timesPeer(Map<String, Measurement> forms) {
        OptionalDouble best =
                forms.values().stream().mapToDouble(Measurement::median).min();
        return best.isEmpty() ? best : OptionalDouble.of(best.getAsDouble() / all.median());
    }

    private OptionalDouble shareOfPeak() {
        return one.isEmpty() || workload.flops() == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(workload.flops() / one.median() / peak.median());
    }

    private OptionalDouble timesOneThread() {
        return one.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(one.median() / all.median());
    }

    private OptionalDouble shareOfBandwidth() {
        return bandwidth.isEmpty()
                ? OptionalDouble.empty()
                : OptionalDouble.of(workload.bytes() / all.median() / bandwidth.median());
    }

    private static String cell(OptionalDouble ratio) {
        return ratio.isEmpty() ? "" : String.format(Locale.ROOT, "%.2f", ratio.getAsDouble());
    }

    private static String time(double seconds) {
        return seconds < 1e-3
                ? String.format(Locale.ROOT, "%.1f µs", seconds * 1e6)
                : String.format(Locale.ROOT, "%.2f ms", seconds * 1e3);
    }
}
