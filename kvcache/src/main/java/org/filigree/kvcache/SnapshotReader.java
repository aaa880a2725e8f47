package org.filigree.kvcache;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/** Compares all of a snapshot before it takes the first row. */
final class SnapshotReader {
    private static final int CHUNK_BYTES = 1 << 20;

    private final Path file;
    private final String operation;
    private final SequenceCache into;
    private final List<SnapshotCaches.Leaf> leaves;

    private SnapshotReader(Path file, SequenceCache into) {
        this.file = file;
        this.operation = "snapshot restore: " + file;
        this.into = into;
        this.leaves = SnapshotCaches.leaves(operation, into);
    }

    static void restore(Path file, String label, SequenceCache into) throws IOException {
        if (Files.notExists(file)) {
            throw new NoSuchFileException(
                    file.toString(), null, "there is no such file to restore a snapshot from; write one first");
        }
        if (Files.isDirectory(file)) {
            throw new FileSystemException(file.toString(), null, "this is a folder, not a snapshot to restore from");
        }
        new SnapshotReader(file, into).restore(label);
    }

    private void restore(String label) throws IOException {
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            SnapshotHeader header = SnapshotHeader.read(file, bytes);
            requireFitting(header, label);
            List<SavedRows> rows = rows(header, bytes);
            int taken = 0;
            try {
                for (; taken < rows.size(); taken++) {
                    leaves.get(taken).stored().restore(rows.get(taken));
                }
            } catch (RuntimeException | Error failure) {
                leaves.subList(0, taken).forEach(leaf -> empty(leaf.cache(), failure));
                throw failure;
            }
        }
    }

    /** A cache that was closed meanwhile cannot be emptied, which must not hide why, nor keep rows in the others. */
    private static void empty(KvCache cache, Throwable failure) {
        try {
            cache.truncate(0);
        } catch (RuntimeException closed) {
            failure.addSuppressed(closed);
        }
    }

    private void requireFitting(SnapshotHeader header, String label) {
        if (!header.label().equals(label)) {
            throw refused("was written for '" + header.label() + "', not for '" + label
                    + "'; give the label that it was written with, if its rows are those of this model and prompt");
        }
        requireShape(header);
        for (int c = 0; c < leaves.size(); c++) {
            requirePlanes(leaves.get(c), header.caches().get(c));
        }
        Optional<String> contradiction = SnapshotCaches.contradiction(
                into, header.caches().stream().map(SnapshotHeader.Cache::length).toList());
        if (contradiction.isPresent()) {
            throw refused("is out of step: " + contradiction.get()
                    + "; it was written in the middle of a pass, compute the rows again");
        }
        for (int c = 0; c < leaves.size(); c++) {
            requireRoom(leaves.get(c), header.caches().get(c));
        }
    }

    private void requireShape(SnapshotHeader header) {
        List<String> shapes = SnapshotCaches.shapes(into);
        List<String> saved = header.layers();
        if (saved.size() != shapes.size()) {
            throw refused("holds " + saved.size() + (saved.size() == 1 ? " layer" : " layers")
                    + " but the sequence has " + shapes.size() + "; restore into a sequence of as many layers");
        }
        for (int layer = 0; layer < shapes.size(); layer++) {
            if (!saved.get(layer).equals(shapes.get(layer))) {
                throw refused("holds in layer " + layer + " " + saved.get(layer) + " but the caches are "
                        + shapes.get(layer) + "; restore into caches of the same parts and ratios");
            }
        }
        if (header.caches().size() != leaves.size()) {
            throw damaged("contradicts itself: " + header.caches().size() + " caches of rows are not those of layers "
                    + saved);
        }
    }

    private void requirePlanes(SnapshotCaches.Leaf leaf, SnapshotHeader.Cache saved) {
        List<String> planes = leaf.planes();
        List<String> savedPlanes =
                saved.planes().stream().map(SnapshotHeader.Plane::description).toList();
        if (!planes.equals(savedPlanes)) {
            throw refused("holds rows " + savedPlanes + " but " + leaf.name() + " stores " + planes
                    + "; restore into caches of the same storage");
        }
        long rows = (long) saved.length() - saved.oldest();
        for (int p = 0; p < planes.size(); p++) {
            int bytesPerRow = leaf.stored().storage().planes().get(p).format().bytesPerRow();
            long bytes = saved.planes().get(p).bytes();
            if (saved.oldest() < 0 || rows < 0 || rows * bytesPerRow != bytes) {
                throw damaged("contradicts itself: in " + leaf.name() + " " + rows + " rows of " + bytesPerRow
                        + " bytes are not " + bytes + " bytes");
            }
        }
    }

    private void requireRoom(SnapshotCaches.Leaf leaf, SnapshotHeader.Cache saved) {
        int held = ClosedCache.during(operation, leaf.name(), () -> leaf.cache().length());
        if (held != 0) {
            throw new KvCacheException(
                    KvCacheException.Reason.LENGTH,
                    operation + ": " + leaf.name() + " holds " + held + " tokens; restore into an empty one");
        }
        Optional<String> refusal = leaf.stored().refusal(saved.oldest(), saved.length());
        if (refusal.isPresent()) {
            throw new KvCacheException(
                    saved.length() > leaf.cache().capacity()
                            ? KvCacheException.Reason.EXHAUSTED
                            : KvCacheException.Reason.LENGTH,
                    operation + ": " + leaf.name() + " cannot take it: " + refusal.get());
        }
    }

    private List<SavedRows> rows(SnapshotHeader header, MemorySegment bytes) {
        long offset = bytes.byteSize() - header.planeBytes();
        var rows = new ArrayList<SavedRows>();
        for (int c = 0; c < leaves.size(); c++) {
            SnapshotHeader.Cache cache = header.caches().get(c);
            var planes = new ArrayList<MemorySegment>();
            for (SnapshotHeader.Plane plane : cache.planes()) {
                MemorySegment content = bytes.asSlice(offset, plane.bytes());
                int checksum = checksum(content);
                if (checksum != plane.checksum()) {
                    throw damaged("is damaged: "
                            + SnapshotHeader.mismatch(
                                    leaves.get(c).name() + ", parts " + plane.description() + ", " + plane.bytes()
                                            + " bytes from byte " + offset + " on,",
                                    plane.checksum(),
                                    checksum));
                }
                offset += plane.bytes();
                planes.add(content);
            }
            rows.add(new SavedRows(cache.oldest(), cache.length(), planes));
        }
        return rows;
    }

    private static int checksum(MemorySegment bytes) {
        CRC32C checksum = new CRC32C();
        for (long done = 0; done < bytes.byteSize(); done += CHUNK_BYTES) {
            checksum.update(bytes.asSlice(done, Math.min(CHUNK_BYTES, bytes.byteSize() - done))
                    .asByteBuffer());
        }
        return (int) checksum.getValue();
    }

    private KvCacheException damaged(String reason) {
        return CacheSnapshot.damaged(file, reason);
    }

    private KvCacheException refused(String reason) {
        return CacheSnapshot.refused(file, reason);
    }
}
