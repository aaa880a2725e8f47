package org.filigree.v4.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The machine of a run.
 *
 * @param os           name and version of the operating system
 * @param architecture instruction set, as Java names it
 * @param cpu          processor model, {@code unknown} where the system does not tell it in {@code /proc/cpuinfo}
 * @param cores        processors available to this process
 */
public record MachineInfo(String os, String architecture, String cpu, int cores) {
    /**
     * The machine this runs on.
     *
     * @return its properties
     */
    public static MachineInfo current() {
        return new MachineInfo(
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("os.arch", "unknown"),
                cpuModel(Path.of("/proc/cpuinfo")),
                Runtime.getRuntime().availableProcessors());
    }

    static String cpuModel(Path cpuinfo) {
        if (!Files.isReadable(cpuinfo)) return "unknown";
        try (Stream<String> lines = Files.lines(cpuinfo)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }
}
