package org.filigree.v4.data;

import java.util.Locale;

/** Sizes for people. */
final class ByteSize {
    private ByteSize() {}

    static String of(long bytes) {
        if (bytes < 1024) return bytes + " bytes";
        if (bytes < 1 << 20) return String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0);
        return String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);
    }
}
