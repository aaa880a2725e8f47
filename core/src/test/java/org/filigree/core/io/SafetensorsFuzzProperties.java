package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;

/**
 * Damaged files: what opens must hold exactly the bytes of the file; what does not must say so with the one exception
 * of this package.
 */
class SafetensorsFuzzProperties {
    private static final byte[] TELLING = "{}[]\",:\\0123456789-.eEuU_ FIBd\n\0".getBytes(StandardCharsets.US_ASCII);

    private static final Path FOLDER = temporaryFolder();
    private static final byte[] VALID = validFile();

    private static Path temporaryFolder() {
        try {
            return Files.createTempDirectory("safetensors-fuzz");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] validFile() {
        try {
            return writeAValidFile();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] writeAValidFile() throws IOException {
        Path file = FOLDER.resolve("valid.safetensors");
        new SafetensorsWriter()
                .metadata("format", "pt")
                .metadata("ünï", "\"quoted\\\" \u0001")
                .add(StoredTensor.ofFloats("w.0", StoredType.F32, new long[] {2, 3}, new float[] {1, 2, 3, 4, 5, 6}))
                .add(StoredTensor.ofFloats("w.1", StoredType.BF16, new long[] {3}, new float[] {7, 8, 9}))
                .add(StoredTensor.ofFloats("w.2", StoredType.F4, new long[] {4}, new float[] {.5f, 1, 2, -6}))
                .add(StoredTensor.ofInts("ids", new long[0], new int[] {-3}))
                .add(StoredTensor.ofDoubles("none", new long[] {0, 7}, new double[0]))
                .write(file);
        return Files.readAllBytes(file);
    }

    @AfterContainer
    static void delete() throws IOException {
        try (var files = Files.list(FOLDER)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(FOLDER);
    }

    /** One edit of the file's head; {@code place} is scaled to the length it finds. */
    record Edit(Kind kind, double place, byte value) {
        enum Kind {
            REPLACE,
            INSERT,
            DELETE,
            FLIP
        }

        byte[] apply(byte[] head) {
            int at = (int) (place * head.length);
            byte[] result = switch (kind) {
                case REPLACE, FLIP -> head.clone();
                case INSERT -> new byte[head.length + 1];
                case DELETE -> new byte[Math.max(0, head.length - 1)];
            };
            if (kind == Kind.INSERT) {
                System.arraycopy(head, 0, result, 0, at);
                System.arraycopy(head, at, result, at + 1, head.length - at);
                result[at] = value;
            } else if (kind == Kind.DELETE && head.length > 0) {
                System.arraycopy(head, 0, result, 0, at);
                System.arraycopy(head, at + 1, result, at, head.length - at - 1);
            } else if (head.length > 0) {
                result[at] = kind == Kind.FLIP ? (byte) (head[at] ^ 1 << (value & 7)) : value;
            }
            return result;
        }
    }

    @Provide
    Arbitrary<List<Edit>> edits() {
        Arbitrary<Byte> telling =
                Arbitraries.integers().between(0, TELLING.length - 1).map(i -> TELLING[i]);
        return Combinators.combine(
                        Arbitraries.of(Edit.Kind.class),
                        Arbitraries.integers().between(0, 9999).withoutEdgeCases(),
                        Arbitraries.oneOf(telling, Arbitraries.bytes()))
                .as((kind, place, value) -> new Edit(kind, place / 10_000.0, value))
                .list()
                .ofMinSize(1)
                .ofMaxSize(3);
    }

    /** The header is edited and its length kept right, so that the damage reaches the parser. */
    @Property(tries = 500)
    void editsOfTheHeaderAreNoticedOrHarmless(@ForAll("edits") List<Edit> edits) {
        byte[] header = Arrays.copyOfRange(VALID, 8, 8 + headerLength(VALID));
        for (Edit edit : edits) {
            header = edit.apply(header);
        }
        ByteBuffer file = ByteBuffer.allocate(8 + header.length + VALID.length - 8 - headerLength(VALID))
                .order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(header.length).put(header);
        file.put(VALID, 8 + headerLength(VALID), VALID.length - 8 - headerLength(VALID));
        assertNoticedOrHarmless(file.array());
    }

    @Property(tries = 200)
    void editsAnywhereAreNoticedOrHarmless(@ForAll("edits") List<Edit> edits) {
        byte[] bytes = VALID;
        for (Edit edit : edits) {
            bytes = edit.apply(bytes);
        }
        assertNoticedOrHarmless(bytes);
    }

    @Property(tries = 100)
    void noiseIsRefused(@ForAll @Size(max = 200) byte[] noise) {
        assertNoticedOrHarmless(noise);
    }

    @Example
    void everyTruncationAndEveryBitOfTheLengthIsNoticed() {
        for (int length = 0; length < VALID.length; length++) {
            byte[] cut = Arrays.copyOf(VALID, length);
            assertThrows(SafetensorsException.class, () -> open(cut), () -> "cut to " + cut.length);
        }
        for (int bit = 0; bit < 64; bit++) {
            byte[] flipped = VALID.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThrows(SafetensorsException.class, () -> open(flipped));
        }
        assertNoticedOrHarmless(VALID);
    }

    private static void assertNoticedOrHarmless(byte[] bytes) {
        try {
            byte[] read = open(bytes);
            assertArrayEquals(Arrays.copyOfRange(bytes, 8 + headerLength(bytes), bytes.length), read);
        } catch (SafetensorsException noticed) {
            assertTrue(noticed.getMessage().contains("damaged.safetensors: "));
        }
    }

    /** Opens and reads everything; returns the tensors' bytes in the order of names. */
    private static byte[] open(byte[] bytes) {
        Path file = FOLDER.resolve("damaged.safetensors");
        try {
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (String name : opened.names()) {
                StoredTensor tensor = opened.tensor(name);
                assertEquals(name, tensor.name());
                assertEquals(
                        tensor.type().bytes(tensor.elements()), tensor.data().byteSize());
                if (tensor.type().isFloating()) {
                    assertEquals(tensor.elements(), tensor.toDoubles().length);
                }
                all.writeBytes(tensor.data().toArray(ValueLayout.JAVA_BYTE));
            }
            return all.toByteArray();
        }
    }

    private static int headerLength(byte[] file) {
        return (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    }
}
