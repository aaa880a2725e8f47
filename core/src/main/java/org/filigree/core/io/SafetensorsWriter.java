package org.filigree.core.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Collects tensors and writes them as safetensors, in one file or in shards with an index. A file appears whole or
 * not at all (see {@link AtomicFile}).
 *
 * <p>The bytes depend only on what was added: data lies widest type first, then by name, so every tensor is aligned
 * to its element; the header lists metadata first, then tensors in the order of their data; it is padded with spaces
 * to a multiple of 8.
 *
 * {@snippet :
 * new SafetensorsWriter()
 *         .metadata("format", "pt")
 *         .add(StoredTensor.ofFloats("embed.weight", StoredType.BF16, new long[] {128, 64}, values))
 *         .write(Path.of("model.safetensors"));
 * }
 */
public final class SafetensorsWriter {
    /** Name of a checkpoint in one file. */
    public static final String SINGLE_FILE = "model.safetensors";

    /** Name of the index of a checkpoint in shards. */
    public static final String INDEX_FILE = "model.safetensors.index.json";

    private static final int PIECE = 1 << 20;

    private final Map<String, String> metadata = new TreeMap<>();
    private final Map<String, Pending> tensors = new LinkedHashMap<>();

    @SuppressWarnings("ArrayRecordComponent") // Private to the writer.
    private record Pending(String name, StoredType type, long[] shape, long bytes, TensorContent content) {}

    /** A writer with nothing in it. */
    public SafetensorsWriter() {}

    /**
     * Adds a line about the file itself.
     *
     * @param key   replaces an earlier value of the same key
     * @param value any text
     * @return this
     */
    public SafetensorsWriter metadata(String key, String value) {
        metadata.put(wellFormed(key), wellFormed(value));
        return this;
    }

    /**
     * Adds a tensor whose bytes are at hand; they are read when writing.
     *
     * @param tensor the tensor
     * @return this
     * @throws IllegalArgumentException if its name is taken or not allowed
     */
    public SafetensorsWriter add(StoredTensor tensor) {
        return add(tensor.name(), tensor.type(), tensor.shape(), TensorContent.of(tensor.data()));
    }

    /**
     * Adds a tensor whose bytes are produced when writing.
     *
     * @param name    its name
     * @param type    how it is stored
     * @param shape   its shape; empty for a scalar
     * @param content asked for exactly the bytes that type and shape take
     * @return this
     * @throws IllegalArgumentException if the name is taken or not allowed, or the shape is impossible
     */
    public SafetensorsWriter add(String name, StoredType type, long[] shape, TensorContent content) {
        if (name.equals(SafetensorsHeader.METADATA)) {
            throw new IllegalArgumentException("no tensor can be named " + name + ": the format reserves that name");
        }
        Pending tensor = new Pending(wellFormed(name), type, shape.clone(), StoredTensor.bytes(type, shape), content);
        if (tensors.putIfAbsent(name, tensor) != null) {
            throw new IllegalArgumentException("tensor '" + name + "' was added before");
        }
        return this;
    }

    /**
     * Writes everything into one file, replacing it atomically.
     *
     * @param file the file to create or replace
     * @throws IOException if that fails; an old file is then untouched
     */
    public void write(Path file) throws IOException {
        writeFile(file, tensors.values());
    }

    /**
     * Writes a checkpoint folder: {@value #SINGLE_FILE} if everything fits one shard, else {@code
     * model-00001-of-0000N.safetensors} … and, last, {@value #INDEX_FILE}. Tensors go to shards in the order in which
     * they were added. Metadata goes into every file.
     *
     * @param folder        an existing folder without a checkpoint in it: shards cannot be replaced atomically, so
     *     write to a new folder and rename it
     * @param maxShardBytes most bytes of data in one shard; a single larger tensor gets a shard of its own
     * @throws FileAlreadyExistsException if the folder holds a checkpoint
     * @throws IOException if writing fails; without its index, what was written is no checkpoint
     * @throws IllegalArgumentException if {@code maxShardBytes} is not positive
     */
    public void writeShards(Path folder, long maxShardBytes) throws IOException {
        if (maxShardBytes <= 0) {
            throw new IllegalArgumentException(
                    "writeShards: maxShardBytes is " + maxShardBytes + " but must be positive");
        }
        Path index = folder.resolve(INDEX_FILE);
        for (Path existing : List.of(index, folder.resolve(SINGLE_FILE))) {
            if (Files.exists(existing)) {
                throw new FileAlreadyExistsException(
                        existing.toString(), null, "write shards to a new folder, then rename it");
            }
        }
        List<List<Pending>> shards = shards(maxShardBytes);
        if (shards.size() == 1) {
            write(folder.resolve(SINGLE_FILE));
            return;
        }
        Map<String, String> shardOf = new TreeMap<>();
        for (int i = 0; i < shards.size(); i++) {
            String shard = String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
            writeFile(folder.resolve(shard), shards.get(i));
            shards.get(i).forEach(tensor -> shardOf.put(tensor.name(), shard));
        }
        AtomicFile.write(index, indexText(shardOf));
    }

    private List<List<Pending>> shards(long maxShardBytes) {
        List<List<Pending>> shards = new ArrayList<>();
        List<Pending> shard = new ArrayList<>();
        shards.add(shard);
        long bytes = 0;
        for (Pending tensor : tensors.values()) {
            if (!shard.isEmpty() && tensor.bytes() > maxShardBytes - bytes) {
                shard = new ArrayList<>();
                shards.add(shard);
                bytes = 0;
            }
            shard.add(tensor);
            bytes += tensor.bytes();
        }
        return shards;
    }

    private void writeFile(Path file, Collection<Pending> contents) throws IOException {
        List<Pending> ordered = new ArrayList<>(contents);
        ordered.sort(Comparator.comparingInt((Pending tensor) -> -tensor.type().bits())
                .thenComparing(Pending::name));
        byte[] header = header(ordered);
        AtomicFile.write(file, channel -> {
            ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            AtomicFile.writeFully(channel, length.putLong(header.length).flip());
            AtomicFile.writeFully(channel, ByteBuffer.wrap(header));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment piece = arena.allocate(PIECE, Long.BYTES);
                for (Pending tensor : ordered) {
                    writeData(channel, tensor, piece);
                }
            }
        });
    }

    private static void writeData(FileChannel channel, Pending tensor, MemorySegment buffer) throws IOException {
        for (long offset = 0; offset < tensor.bytes(); offset += PIECE) {
            MemorySegment piece = buffer.asSlice(0, Math.min(PIECE, tensor.bytes() - offset));
            tensor.content().fill(offset, piece);
            AtomicFile.writeFully(channel, piece.asByteBuffer());
        }
    }

    private byte[] header(List<Pending> ordered) {
        StringBuilder text = new StringBuilder("{");
        if (!metadata.isEmpty()) {
            quote(text, SafetensorsHeader.METADATA).append(':');
            strings(text, metadata);
        }
        long offset = 0;
        for (Pending tensor : ordered) {
            if (text.length() > 1) {
                text.append(',');
            }
            long end = Math.addExact(offset, tensor.bytes());
            quote(text, tensor.name())
                    .append(":{\"dtype\":\"")
                    .append(tensor.type().code())
                    .append("\",\"shape\":")
                    .append(Arrays.toString(tensor.shape()).replace(" ", ""))
                    .append(",\"data_offsets\":[")
                    .append(offset)
                    .append(',')
                    .append(end)
                    .append("]}");
            offset = end;
        }
        byte[] bytes = text.append('}').toString().getBytes(StandardCharsets.UTF_8);
        int padded = (bytes.length + 7) / 8 * 8;
        if (padded > SafetensorsHeader.MAX_LENGTH) {
            throw new IllegalArgumentException("the header of " + ordered.size() + " tensors takes " + padded
                    + " bytes, past the format's cap of " + SafetensorsHeader.MAX_LENGTH + "; write shards");
        }
        byte[] header = Arrays.copyOf(bytes, padded);
        Arrays.fill(header, bytes.length, padded, (byte) ' ');
        return header;
    }

    private String indexText(Map<String, String> shardOf) {
        long total = tensors.values().stream().mapToLong(Pending::bytes).reduce(0, Math::addExact);
        StringBuilder text = new StringBuilder("{\"metadata\":{\"total_size\":").append(total);
        metadata.forEach((key, value) -> {
            if (!key.equals("total_size")) {
                quote(quote(text.append(','), key).append(':'), value);
            }
        });
        strings(text.append("},\"weight_map\":"), shardOf);
        return text.append("}\n").toString();
    }

    private static void strings(StringBuilder text, Map<String, String> map) {
        text.append('{');
        String separator = "";
        for (Map.Entry<String, String> entry : map.entrySet()) {
            quote(quote(text.append(separator), entry.getKey()).append(':'), entry.getValue());
            separator = ",";
        }
        text.append('}');
    }

    private static StringBuilder quote(StringBuilder text, String content) {
        text.append('"');
        for (int i = 0; i < content.length(); i++) {
            char c = content.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < 0x20) {
                text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                text.append(c);
            }
        }
        return text.append('"');
    }

    private static String wellFormed(String text) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new IllegalArgumentException("'" + text + "' has a surrogate without its other half");
        }
        return text;
    }
}
