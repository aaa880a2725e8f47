package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.random.RandomStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
    @TempDir
    Path folder;

    @Test
    void theBytesAreTheFormats() throws IOException {
        Path file = folder.resolve("a.safetensors");
        new SafetensorsWriter()
                .add(StoredTensor.ofFloats("b\"", StoredType.BF16, new long[] {1}, new float[] {1f}))
                .add(StoredTensor.ofFloats("c", StoredType.F32, new long[0], new float[] {1f}))
                .add(StoredTensor.ofLongs("a", StoredType.I8, new long[] {0, 2}, new long[0]))
                .metadata("z", "1")
                .metadata("é", "\n")
                .write(file);
        String header = "{\"__metadata__\":{\"z\":\"1\",\"é\":\"\\u000a\"},"
                + "\"c\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                + "\"b\\\"\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[4,6]},"
                + "\"a\":{\"dtype\":\"I8\",\"shape\":[0,2],\"data_offsets\":[6,6]}}";
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        int padded = (text.length + 7) / 8 * 8;
        ByteBuffer expected = ByteBuffer.allocate(8 + padded + 6).order(ByteOrder.LITTLE_ENDIAN);
        expected.putLong(padded).put(text);
        while (expected.position() < 8 + padded) {
            expected.put((byte) ' ');
        }
        expected.putFloat(1f).putShort((short) 0x3F80);
        assertArrayEquals(expected.array(), Files.readAllBytes(file));
    }

    @Property(tries = 60)
    void whatIsWrittenIsReadAndOrderDoesNotMatter(@ForAll long seed, @ForAll @IntRange(max = 12) int count)
            throws IOException {
        Path directory = Files.createTempDirectory("safetensors");
        Path one = directory.resolve("one.safetensors");
        Path other = directory.resolve("other.safetensors");
        try {
            List<StoredTensor> tensors = random(RandomStream.of(seed), count);
            write(one, tensors);
            try (TensorSource read = TensorSource.open(one)) {
                assertEquals(count, read.names().size());
                assertEquals(Map.of("format", "pt"), read.metadata());
                for (StoredTensor tensor : tensors) {
                    StoredTensor back = read.tensor(tensor.name());
                    assertEquals(tensor.type(), back.type());
                    assertArrayEquals(tensor.shape(), back.shape());
                    assertEquals(-1, tensor.data().mismatch(back.data()));
                    assertEquals(0, back.data().address() * 8 % tensor.type().bits(), "alignment");
                }
            }
            Collections.reverse(tensors);
            write(other, tensors);
            assertEquals(-1, Files.mismatch(one, other));
        } finally {
            Files.deleteIfExists(one);
            Files.deleteIfExists(other);
            Files.delete(directory);
        }
    }

    private static void write(Path file, List<StoredTensor> tensors) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        tensors.forEach(writer::add);
        writer.write(file);
    }

    private static List<StoredTensor> random(RandomStream random, int count) {
        List<StoredTensor> tensors = new ArrayList<>();
        StoredType[] types = StoredType.values();
        for (int i = 0; i < count; i++) {
            StoredType type = types[random.nextInt(types.length)];
            long[] shape = new long[random.nextInt(4)];
            long elements = 1;
            for (int d = 0; d < shape.length; d++) {
                shape[d] = random.nextInt(5);
                elements *= shape[d];
            }
            if (elements % 2 != 0 && type == StoredType.F4) {
                shape = new long[] {elements * 2};
                elements *= 2;
            }
            byte[] data = new byte[(int) type.bytes(elements)];
            for (int b = 0; b < data.length; b++) {
                data[b] = (byte) random.nextInt();
            }
            tensors.add(new StoredTensor("t\u00e9\u0000\\." + i, type, shape, MemorySegment.ofArray(data)));
        }
        return tensors;
    }

    /** Three and a half pieces, with a count that no power of two divides. */
    @Test
    void largeTensorsAreStreamedInPieces() throws IOException {
        int count = (7 << 18) + 3;
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = i;
        }
        Path file = folder.resolve("large.safetensors");
        List<Long> offsets = new ArrayList<>();
        TensorContent narrowing = TensorContent.ofFloats(StoredType.BF16, values);
        new SafetensorsWriter()
                .add("narrow", StoredType.BF16, new long[] {count}, (offset, piece) -> {
                    offsets.add(offset);
                    narrowing.fill(offset, piece);
                })
                .add("exact", StoredType.F32, new long[] {count}, TensorContent.ofFloats(StoredType.F32, values))
                .write(file);
        assertEquals(List.of(0L, 1L << 20, 2L << 20, 3L << 20), offsets);
        try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertArrayEquals(values, read.tensor("exact").toFloats());
            float[] narrow = read.tensor("narrow").toFloats();
            for (int i = 0; i < count; i++) {
                assertEquals(BFloat16.round(i), narrow[i]);
            }
        }
    }

    @Test
    void aFailingContentLeavesTheOldFileAndNothingElse() throws IOException {
        Path file = Files.writeString(folder.resolve("model.safetensors"), "old");
        SafetensorsWriter writer = new SafetensorsWriter()
                .add("a", StoredType.U8, new long[] {3 << 20}, (offset, _) -> {
                    if (offset > 0) {
                        throw new IOException("disk on fire");
                    }
                });
        assertEquals(
                "disk on fire",
                assertThrows(IOException.class, () -> writer.write(file)).getMessage());
        assertEquals("old", Files.readString(file));
        assertEquals(1, names(folder).size());
    }

    @Test
    void aFileCanBeRewrittenFromItself() throws IOException {
        Path file = folder.resolve("self.safetensors");
        new SafetensorsWriter()
                .add(StoredTensor.ofInts("a", new long[] {2}, new int[] {1, 2}))
                .write(file);
        try (SafetensorsFile old = SafetensorsFile.open(file)) {
            new SafetensorsWriter()
                    .add(old.tensor("a"))
                    .add(StoredTensor.ofInts("b", new long[0], new int[] {3}))
                    .write(file);
            assertArrayEquals(new int[] {1, 2}, old.tensor("a").toInts());
        }
        try (SafetensorsFile grown = SafetensorsFile.open(file)) {
            assertArrayEquals(new int[] {1, 2}, grown.tensor("a").toInts());
            assertArrayEquals(new int[] {3}, grown.tensor("b").toInts());
        }
    }

    @Test
    void impossibleNamesAreRefused() {
        SafetensorsWriter writer = new SafetensorsWriter().add(StoredTensor.ofInts("a", new long[0], new int[1]));
        assertThrows(
                IllegalArgumentException.class, () -> writer.add(StoredTensor.ofInts("a", new long[0], new int[1])));
        assertThrows(
                IllegalArgumentException.class,
                () -> writer.add(StoredTensor.ofInts("__metadata__", new long[0], new int[1])));
        assertThrows(
                IllegalArgumentException.class,
                () -> writer.add(StoredTensor.ofInts("\ud800", new long[0], new int[1])));
        assertThrows(
                IllegalArgumentException.class, () -> writer.add("x", StoredType.U8, new long[] {-1}, (_, _) -> {}));
        assertThrows(IllegalArgumentException.class, () -> writer.writeShards(folder, 0));
    }

    @Test
    void shardsFollowTheOrderOfAddingAndTheIndexComesLast() throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("step", "7");
        for (String name : List.of("z", "a", "m", "big", "b")) {
            int count = name.equals("big") ? 100 : 2;
            writer.add(StoredTensor.ofInts(name, new long[] {count}, new int[count]));
        }
        writer.writeShards(folder, 16);
        assertEquals(
                List.of(
                        "model-00001-of-00004.safetensors",
                        "model-00002-of-00004.safetensors",
                        "model-00003-of-00004.safetensors",
                        "model-00004-of-00004.safetensors",
                        "model.safetensors.index.json"),
                names(folder));
        assertEquals(
                "{\"metadata\":{\"total_size\":432,\"step\":\"7\"},\"weight_map\":{"
                        + "\"a\":\"model-00001-of-00004.safetensors\",\"b\":\"model-00004-of-00004.safetensors\","
                        + "\"big\":\"model-00003-of-00004.safetensors\",\"m\":\"model-00002-of-00004.safetensors\","
                        + "\"z\":\"model-00001-of-00004.safetensors\"}}\n",
                Files.readString(folder.resolve("model.safetensors.index.json")));
        try (TensorSource source = TensorSource.open(folder)) {
            assertInstanceOf(SafetensorsIndex.class, source);
            assertEquals(List.of("a", "z", "m", "big", "b"), source.names());
            assertEquals(Map.of("total_size", "432", "step", "7"), source.metadata());
            assertEquals(100, source.tensor("big").toInts().length);
        }
        assertThrows(FileAlreadyExistsException.class, () -> writer.writeShards(folder, 16));
    }

    @Test
    void whatFitsOneShardNeedsNoIndex() throws IOException {
        new SafetensorsWriter()
                .add(StoredTensor.ofInts("a", new long[] {4}, new int[4]))
                .writeShards(folder, 16);
        assertEquals(List.of("model.safetensors"), names(folder));
        try (TensorSource source = TensorSource.open(folder)) {
            assertInstanceOf(SafetensorsFile.class, source);
            assertTrue(source.contains("a"));
            assertFalse(source.contains("b"));
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
