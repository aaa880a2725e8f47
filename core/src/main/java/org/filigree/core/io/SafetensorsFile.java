package org.filigree.core.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

/**
 * One safetensors file, mapped into memory, of any size. Opening reads and checks the header; tensors are views that
 * the operating system pages in when they are read. Thread-safe until closed.
 *
 * <p>The file must not be cut shorter by others while it is open: reading a page that is gone is an error of the
 * virtual machine. Replacing it by renaming, as {@link AtomicFile} and {@link SafetensorsWriter} do, is harmless.
 */
public final class SafetensorsFile implements TensorSource {
    private final Path file;
    private final Arena arena;
    private final MemorySegment bytes;
    private final SafetensorsHeader header;
    private final List<String> names;

    private SafetensorsFile(Path file, Arena arena, MemorySegment bytes, SafetensorsHeader header) {
        this.file = file;
        this.arena = arena;
        this.bytes = bytes;
        this.header = header;
        this.names = List.copyOf(header.entries().keySet());
    }

    /**
     * Maps a file and checks its header.
     *
     * @param file path of a safetensors file
     * @return the opened file, to be closed by the caller
     * @throws SafetensorsException if it cannot be read or is not a well-formed safetensors file
     */
    public static SafetensorsFile open(Path file) {
        Arena arena = Arena.ofShared();
        try {
            return open(file, arena);
        } catch (Throwable failed) {
            arena.close();
            throw failed;
        }
    }

    /** Closing any file of a shared arena closes all of them; the index does that once. */
    static SafetensorsFile open(Path file, Arena arena) {
        if (Files.isDirectory(file)) {
            throw SafetensorsException.ofFile(file, "is a folder, not a safetensors file");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new SafetensorsFile(file, arena, bytes, SafetensorsHeader.read(file, bytes));
        } catch (NoSuchFileException missing) {
            throw SafetensorsException.ofFile(file, "no such file", missing);
        } catch (IOException unreadable) {
            throw SafetensorsException.ofFile(file, "cannot be read: " + unreadable.getMessage(), unreadable);
        }
    }

    @Override
    public List<String> names() {
        return names;
    }

    @Override
    public boolean contains(String name) {
        return header.entries().containsKey(name);
    }

    @Override
    public StoredTensor tensor(String name) {
        SafetensorsHeader.Entry entry = header.entries().get(name);
        if (entry == null) {
            throw MissingTensor.in(file, name, names);
        }
        return new StoredTensor(
                name, entry.type(), entry.shape(), bytes.asSlice(entry.begin(), entry.end() - entry.begin()));
    }

    @Override
    public Map<String, String> metadata() {
        return header.metadata();
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    /** {@return where it lies, as it was opened} */
    Path path() {
        return file;
    }

    /**
     * The path and the number of tensors.
     *
     * @return a short description
     */
    @Override
    public String toString() {
        return file + " (" + names.size() + " tensors)";
    }
}
