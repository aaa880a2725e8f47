package org.filigree.v4.report;

import java.lang.management.ManagementFactory;
import java.util.List;

/**
 * The Java platform of a run.
 *
 * @param version runtime version, for example {@code 25.0.3+9-LTS}
 * @param vendor  who built it
 * @param vm      name of the virtual machine
 * @param maxHeap largest heap in bytes
 * @param flags   options that the virtual machine was started with; none in manifests of versions that did not write them
 */
public record JavaInfo(String version, String vendor, String vm, long maxHeap, List<String> flags) {
    /**
     * Copies the flags, where there are any.
     */
    public JavaInfo {
        flags = flags == null ? List.of() : List.copyOf(flags);
    }

    /**
     * The platform this runs on.
     *
     * @return its properties
     */
    public static JavaInfo current() {
        return new JavaInfo(
                Runtime.version().toString(),
                System.getProperty("java.vendor", "unknown"),
                System.getProperty("java.vm.name", "unknown"),
                Runtime.getRuntime().maxMemory(),
                ManagementFactory.getRuntimeMXBean().getInputArguments());
    }
}
