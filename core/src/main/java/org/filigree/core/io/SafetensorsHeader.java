package org.filigree.core.io;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A checked header. File = 8-byte little-endian length, that many bytes of JSON, data. Entries are in the order of
 * their data, which they cover without gap or overlap from the first byte to the last.
 *
 * @param metadata the strings of {@code __metadata__}
 * @param entries  by tensor name
 */
record SafetensorsHeader(Map<String, String> metadata, Map<String, Entry> entries) {
    static final String METADATA = "__metadata__";
    static final int LENGTH_BYTES = Long.BYTES;
    static final long MAX_LENGTH = 100_000_000;

    private static final int MAX_RANK = 64;

    /**
     * One tensor of the header.
     *
     * @param type  how it is stored
     * @param shape its shape
     * @param begin first byte, from the start of the file
     * @param end   byte after the last, from the start of the file
     */
    @SuppressWarnings("ArrayRecordComponent") // StoredTensor copies it before anyone else sees it.
    record Entry(StoredType type, long[] shape, long begin, long end) {}

    /** A named entry whose offsets still count from the start of the data, and where the header says so. */
    private record Raw(String name, Entry entry, long headerOffset) {}

    /** Reads and checks everything that can be checked without reading tensors. */
    static SafetensorsHeader read(Path file, MemorySegment bytes) {
        long size = bytes.byteSize();
        if (size < LENGTH_BYTES) {
            throw new SafetensorsException(
                    "the file has " + size + " bytes, too few for the 8-byte header length; empty or truncated?",
                    file,
                    null,
                    0,
                    null);
        }
        long length = bytes.get(LittleEndian.LONG, 0);
        if (length < 0 || length > MAX_LENGTH) {
            throw new SafetensorsException(
                    "the header length is " + Long.toUnsignedString(length) + ", past the cap of " + MAX_LENGTH
                            + "; not a safetensors file?",
                    file,
                    null,
                    0,
                    null);
        }
        if (length > size - LENGTH_BYTES) {
            throw new SafetensorsException(
                    "the header length is " + length + " but only " + (size - LENGTH_BYTES)
                            + " bytes follow; truncated?",
                    file,
                    null,
                    0,
                    null);
        }
        byte[] text = new byte[(int) length];
        MemorySegment.copy(bytes, LittleEndian.BYTE, LENGTH_BYTES, text, 0, text.length);
        return parse(file, text, size);
    }

    private static SafetensorsHeader parse(Path file, byte[] text, long fileSize) {
        JsonCursor json = new JsonCursor(text, LENGTH_BYTES, file);
        if (text.length == 0 || text[0] != '{') {
            throw json.failure("the header must begin with '{'", LENGTH_BYTES);
        }
        Map<String, String> metadata = new LinkedHashMap<>();
        List<Raw> tensors = new ArrayList<>();
        json.object("the header", (name, offset) -> {
            if (name.equals(METADATA)) {
                json.object(METADATA, (key, _) -> metadata.put(key, json.string("metadata '" + key + "'")));
            } else {
                json.about(name);
                tensors.add(new Raw(name, entry(json, offset), offset));
                json.about(null);
            }
        });
        json.end("the header");
        return place(file, metadata, tensors, LENGTH_BYTES + text.length, fileSize);
    }

    private static Entry entry(JsonCursor json, long offset) {
        Fields fields = new Fields();
        json.object("the entry", (key, keyOffset) -> {
            switch (key) {
                case "dtype" -> fields.type = type(json);
                case "shape" -> fields.shape = numbers(json, "shape", MAX_RANK);
                case "data_offsets" -> fields.offsets = numbers(json, "data_offsets", 2);
                default ->
                    throw json.failure(
                            "unknown key '" + key + "'; dtype, shape and data_offsets make an entry", keyOffset);
            }
        });
        StoredType type = fields.type;
        long[] shape = fields.shape;
        long[] offsets = fields.offsets;
        if (type == null || shape == null || offsets == null) {
            String missing = type == null ? "dtype" : shape == null ? "shape" : "data_offsets";
            throw json.failure("the entry has no " + missing, offset);
        }
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw json.failure(
                    "data_offsets are " + Arrays.toString(offsets) + " but must be [begin, end] with begin <= end",
                    offset);
        }
        long expected;
        try {
            expected = StoredTensor.bytes(type, shape);
        } catch (IllegalArgumentException impossible) {
            throw json.failure(String.valueOf(impossible.getMessage()), offset);
        }
        if (offsets[1] - offsets[0] != expected) {
            throw json.failure(
                    type + " " + Arrays.toString(shape) + " takes " + expected + " bytes but data_offsets "
                            + Arrays.toString(offsets) + " give it " + (offsets[1] - offsets[0]),
                    offset);
        }
        return new Entry(type, shape, offsets[0], offsets[1]);
    }

    /** What has been seen of one entry. */
    private static final class Fields {
        private @Nullable StoredType type;
        private long @Nullable [] shape;
        private long @Nullable [] offsets;
    }

    private static StoredType type(JsonCursor json) {
        long offset = json.offset();
        String code = json.string("dtype");
        return StoredType.ofCode(code)
                .orElseThrow(() -> json.failure(
                        "unknown dtype '" + code + "'; known are " + Arrays.toString(StoredType.values()), offset));
    }

    private static long[] numbers(JsonCursor json, String what, int most) {
        long start = json.offset();
        long[] numbers = new long[most];
        int[] count = {0};
        json.array(what, () -> {
            long number = json.wholeNumber("a number of " + what);
            if (count[0] == most) {
                throw json.failure(what + " has more than " + most + " numbers", start);
            }
            numbers[count[0]++] = number;
        });
        return Arrays.copyOf(numbers, count[0]);
    }

    private static SafetensorsHeader place(
            Path file, Map<String, String> metadata, List<Raw> tensors, long dataStart, long fileSize) {
        tensors.sort(Comparator.comparingLong((Raw raw) -> raw.entry().begin())
                .thenComparingLong(raw -> raw.entry().end()));
        long dataSize = fileSize - dataStart;
        Map<String, Entry> entries = LinkedHashMap.newLinkedHashMap(tensors.size());
        long covered = 0;
        for (Raw raw : tensors) {
            Entry entry = raw.entry();
            if (entry.end() > dataSize) {
                throw new SafetensorsException(
                        "its data ends at data byte " + entry.end() + " but the file has only " + dataSize
                                + " bytes of data; truncated?",
                        file,
                        raw.name(),
                        raw.headerOffset(),
                        null);
            }
            if (entry.begin() != covered) {
                throw new SafetensorsException(
                        "its data begins at data byte " + entry.begin() + " but the tensors before it end at " + covered
                                + (entry.begin() < covered ? ": an overlap" : ": a gap"),
                        file,
                        raw.name(),
                        dataStart + entry.begin(),
                        null);
            }
            covered = entry.end();
            entries.put(
                    raw.name(),
                    new Entry(entry.type(), entry.shape(), dataStart + entry.begin(), dataStart + entry.end()));
        }
        if (covered != dataSize) {
            throw new SafetensorsException(
                    (dataSize - covered) + " bytes at the end belong to no tensor",
                    file,
                    null,
                    dataStart + covered,
                    null);
        }
        return new SafetensorsHeader(Collections.unmodifiableMap(metadata), Collections.unmodifiableMap(entries));
    }
}
