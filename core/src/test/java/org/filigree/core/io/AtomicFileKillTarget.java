package org.filigree.core.io;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/** The process that {@link AtomicFileTest} kills. */
final class AtomicFileKillTarget {
    static final int SIZE = 1 << 16;

    private AtomicFileKillTarget() {}

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[1]);
        if (args[0].equals("half")) {
            AtomicFile.write(file, channel -> {
                channel.write(StandardCharsets.UTF_8.encode("new but unfin"));
                channel.force(true);
                System.out.println("half written");
                try {
                    Thread.sleep(60_000);
                } catch (InterruptedException ended) {
                    Thread.currentThread().interrupt();
                }
            });
            return;
        }
        byte[] bytes = new byte[SIZE];
        AtomicFile.write(file, bytes);
        System.out.println("begun");
        long end = System.nanoTime() + 20_000_000_000L;
        for (byte value = 1; System.nanoTime() < end; value++) {
            Arrays.fill(bytes, value);
            AtomicFile.write(file, bytes);
        }
    }
}
