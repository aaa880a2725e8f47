package org.filigree.bench;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.filigree.core.backend.Backends;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.host.HostBackend;

/** Prints tables as Markdown. */
final class Main {
    private static final List<Table> TABLES = List.of(
            new MatrixProductTable(),
            new RowWiseTable(),
            new HyperConnectionsTable(),
            new CacheTable(),
            new AttentionTable());
    private static final Path SCRIPT = Path.of("examples/bench/src/main/python/peer.py");
    /** Makes glibc keep what is freed: the peer without the page faults of every large result. */
    private static final Map<String, String> KEEP_PAGES = Map.of(
            "MALLOC_MMAP_THRESHOLD_", "4294967296",
            "MALLOC_TRIM_THRESHOLD_", "17179869184",
            "MALLOC_TOP_PAD_", "1073741824");

    private static final String USAGE = """
            usage: [TABLE...] [quick] [only=TEXT...]
              TABLE      a table below; all where none is given
              quick      short turns
              only=TEXT  rows whose name contains the text; with several texts, all of them
            -Dbench.python=COMMAND names the Python that has PyTorch; without one, only ratios to the machine's limits appear.
            """;

    private Main() {}

    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        List<String> known = TABLES.stream().map(Table::name).toList();
        List<String> names = new ArrayList<>();
        double turnSeconds = 0.25;
        List<String> texts = new ArrayList<>();
        for (String argument : arguments) {
            if (argument.equals("quick")) {
                turnSeconds = 0.05;
            } else if (argument.startsWith("only=")) {
                texts.add(argument.substring("only=".length()));
            } else if (known.contains(argument)) {
                names.add(argument);
            } else {
                out.print(USAGE);
                out.println("tables: " + String.join(", ", known));
                System.exit(argument.equals("--help") ? 0 : 2);
            }
        }
        String python = System.getProperty("bench.python", "python3");
        try (HostBackend backend = (HostBackend) Backends.open("vector");
                Peer peer = PyTorchPeer.start(python, SCRIPT, backend.workers().threads(), Map.of());
                Peer keeping =
                        PyTorchPeer.start(python, SCRIPT, backend.workers().threads(), KEEP_PAGES)) {
            MachineLimits limits = new MachineLimits();
            describe(out, backend, limits, peer);
            Comparison comparison = new Comparison(backend, limits, peer, keeping, turnSeconds);
            for (Table table : TABLES) {
                if (names.isEmpty() || names.contains(table.name())) {
                    List<Workload> rows = table.rows().stream()
                            .filter(row -> texts.stream().allMatch(row.name()::contains))
                            .toList();
                    print(out, table.title(), rows, comparison);
                }
            }
        }
    }

    private static void describe(PrintStream out, HostBackend backend, MachineLimits limits, Peer peer) {
        for (int i = 0; i < 20; i++) {
            limits.peakFlops();
        }
        out.println("backend: " + backend.name() + ", " + backend.detail());
        out.println("peer: " + peer.description());
        out.println(
                String.format(Locale.ROOT, "multiply-add peak of one thread: %.1f GFLOP/s", limits.peakFlops() * 1e-9));
        out.println(String.format(
                Locale.ROOT,
                "a new array of 64 MiB (one of the 4096 × 4096 results): %.2f ms",
                limits.allocationSeconds() * 1e3));
        try (Workers single = Workers.of(1)) {
            bandwidth(out, limits, single);
        }
        bandwidth(out, limits, backend.workers());
    }

    private static void print(PrintStream out, String title, List<Workload> rows, Comparison comparison) {
        out.println();
        out.println("### " + title);
        out.println();
        out.print(Row.HEADER);
        long missed = 0;
        for (Workload workload : rows) {
            Row row = comparison.measure(workload);
            out.println(row.markdown());
            missed += row.missed();
        }
        out.println();
        out.println("targets missed: " + missed);
    }

    private static void bandwidth(PrintStream out, MachineLimits limits, Workers workers) {
        double copy = limits.copyBandwidth(workers, 0.3);
        double triad = limits.triadBandwidth(workers, 0.3);
        out.println(String.format(
                Locale.ROOT,
                "memory bandwidth, %d thread(s): copy %.1f GB/s, triad %.1f GB/s",
                workers.threads(),
                copy * 1e-9,
                triad * 1e-9));
    }
}
