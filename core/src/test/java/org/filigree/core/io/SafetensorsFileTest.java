package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {
    @TempDir
    Path folder;

    /** A file written by another implementation. */
    @Test
    void readsAForeignFile() throws IOException {
        Path file = folder.resolve("hyper-n4.safetensors");
        try (InputStream in =
                SafetensorsFileTest.class.getResourceAsStream("/conformance/blocks/hyper-n4.safetensors")) {
            Files.copy(Objects.requireNonNull(in), file);
        }
        try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            assertEquals("20", opened.metadata().get("iterations"));
            assertEquals(List.of("fn", "scale", "base"), opened.names().subList(0, 3));
            StoredTensor mixing = opened.tensor("fn");
            assertEquals(StoredType.F32, mixing.type());
            assertArrayEquals(new long[] {24, 64}, mixing.shape());
            float[] values = mixing.toFloats();
            assertEquals(24 * 64, values.length);
            for (float value : values) {
                assertTrue(Float.isFinite(value) && Math.abs(value) < 10);
            }
        }
    }

    @Test
    void readsAHandMadeFileWithUnalignedTensorsOutOfHeaderOrder() throws IOException {
        String header = """
                {"late":{"dtype":"F32","shape":[2],"data_offsets":[1,9]},
                 "__metadata__":{"k\\u00e9y":"va\\"lue\\ud83d\\ude00"},
                 "empty":{"shape":[3,0],"data_offsets":[1,1],"dtype":"BF16"},
                 "scalar":{"dtype":"I8","shape":[],"data_offsets":[0,1]}}""";
        ByteBuffer data = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
        data.put((byte) -7).putFloat(1.5f).putFloat(-2f);
        try (SafetensorsFile opened = SafetensorsFile.open(file(header, data.array()))) {
            assertEquals(List.of("scalar", "empty", "late"), opened.names());
            assertEquals(Map.of("kéy", "va\"lue😀"), opened.metadata());
            assertArrayEquals(new int[] {-7}, opened.tensor("scalar").toInts());
            assertArrayEquals(new float[] {1.5f, -2f}, opened.tensor("late").toFloats());
            assertEquals(0, opened.tensor("empty").toFloats().length);
            assertArrayEquals(new long[] {3, 0}, opened.tensor("empty").shape());
        }
    }

    @Test
    void aFileWithoutTensorsIsFine() throws IOException {
        try (SafetensorsFile opened = SafetensorsFile.open(file("{}  ", new byte[0]))) {
            assertEquals(List.of(), opened.names());
            assertFalse(opened.contains("x"));
        }
    }

    /** A sparse file of 3 GiB: offsets past 2^31 must neither wrap nor be copied. */
    @Test
    void readsPastTwoGigabytes() throws IOException {
        long bytes = 3L << 30;
        String header = "{\"table\":{\"dtype\":\"U8\",\"shape\":[3,1073741824],\"data_offsets\":[0," + bytes + "]}}";
        Path file = file(header, new byte[0]);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {42}), channel.size() + bytes - 1);
        }
        try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            StoredTensor table = opened.tensor("table");
            int[] last = new int[3];
            table.type().toInts(table.data(), bytes - 3, last, 0, 3);
            assertArrayEquals(new int[] {0, 0, 42}, last);
            String message = assertThrows(IllegalArgumentException.class, table::toFloats)
                    .toString();
            assertTrue(message.contains("'table'") && message.contains(String.valueOf(bytes)), message);
        }
    }

    @Test
    void aMissingTensorIsNamedWithItsNearestNeighbour() throws IOException {
        String header = """
                {"layers.0.attn.wq_a.weight":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},
                 "norm":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""";
        try (SafetensorsFile opened = SafetensorsFile.open(file(header, new byte[0]))) {
            SafetensorsException missing =
                    assertThrows(SafetensorsException.class, () -> opened.tensor("model.layers.0.attn.wq_a.weight"));
            assertEquals("model.layers.0.attn.wq_a.weight", missing.tensor().orElseThrow());
            assertTrue(
                    missing.getMessage().endsWith("did you mean 'layers.0.attn.wq_a.weight'?"), missing.getMessage());
        }
    }

    @Test
    void closingInvalidatesTensorsAndMayBeRepeated() throws IOException {
        SafetensorsFile opened = SafetensorsFile.open(
                file("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", new byte[] {1}));
        StoredTensor tensor = opened.tensor("a");
        opened.close();
        opened.close();
        assertThrows(IllegalStateException.class, tensor::toInts);
    }

    @Test
    void whatIsNoFileIsRefused() throws IOException {
        assertFault(folder, "is a folder", null);
        assertFault(folder.resolve("absent"), "no such file", null);
        Path empty = Files.createFile(folder.resolve("empty"));
        assertFault(empty, "0 bytes", 0L);
        Path seven = Files.write(folder.resolve("seven"), new byte[7]);
        assertFault(seven, "7 bytes", 0L);
    }

    @ParameterizedTest
    @CsvSource({
        "-1, past the cap", "-9223372036854775808, past the cap", "100000001, past the cap",
                "9223372036854775807, past the cap",
        "100000000, truncated", "57, truncated", "0, must begin with '{'", "55, the text ends"
    })
    void aWrongHeaderLengthIsRefused(long length, String problem) throws IOException {
        String header = "{\"abcd\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}";
        assertEquals(56, header.length(), "the lengths above count from this header");
        Path file = file(header, new byte[0]);
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
        assertFault(Files.write(file, bytes), problem, null);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "[]                                          | must begin with '{'",
                "null                                        | must begin with '{'",
                "{                                           | must be a string, but the text ends",
                "{} x                                        | followed by more than white space",
                "{}{}                                        | followed by more than white space",
                "{\"a\"}                                     | must be followed by ':'",
                "{\"a\":{},}                                 | no dtype",
                "{\"a\":1}                                   | the entry must be an object",
                "{\"a\":null}                                | the entry must be an object",
                "{\"a\":[]}                                  | the entry must be an object",
                "{a:1}                                       | must be a string",
                "{\"a                                        | the string that starts here never ends",
                "{\"a\\                                      | unknown escape",
                "{\"a\\q\":1}                                | unknown escape",
                "{\"a\\u12g4\":1}                            | four hexadecimal digits",
                "{\"\\ud800\":1}                             | a surrogate without its other half",
                "{\"\\ud800\\n\":1}                          | a surrogate without its other half",
                "{\"\\udc00\":1}                             | a surrogate without its other half",
                "{\"\\ud800\\ud800\":1}                      | a surrogate without its other half",
                "{\"__metadata__\":[]}                       | __metadata__ must be an object",
                "{\"__metadata__\":{\"a\":1}}                | metadata 'a' must be a string",
                "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}  | duplicate key 'a'",
                "{\"__metadata__\":{},\"__metadata__\":{}}   | duplicate key '__metadata__'",
                "{\"__metadata__\":{\"a\":\"\"}              | must go on with ',' or end with '}', but the text ends"
            })
    void malformedHeadersAreRefused(String header, String problem) throws IOException {
        assertFault(file(header, new byte[0]), problem, null);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "\"dtype\":\"F32\",\"shape\":[1]                                         | no data_offsets",
                "\"dtype\":\"F32\",\"data_offsets\":[0,4]                                | no shape",
                "\"shape\":[1],\"data_offsets\":[0,4]                                    | no dtype",
                "\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]                  | unknown dtype 'F33'",
                "\"dtype\":\"F32 \",\"shape\":[1],\"data_offsets\":[0,4]                 | unknown dtype 'F32 '",
                "\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]                       | dtype must be a string",
                "\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4] | duplicate key 'dtype'",
                "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"strides\":[1]  | unknown key 'strides'",
                "\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]                    | shape must be an array",
                "\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]              | must be a whole number",
                "\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]                 | must not be negative",
                "\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]                | plain digits",
                "\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]                | plain digits",
                "\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]                 | must not start with 0",
                "\"dtype\":\"F32\",\"shape\":[1,],\"data_offsets\":[0,4]                 | must be a whole number",
                "\"dtype\":\"F32\",\"shape\":[1 2],\"data_offsets\":[0,4]                | must go on with",
                "\"dtype\":\"F32\",\"shape\":[9223372036854775808],\"data_offsets\":[0,4] | more than 63 bits hold",
                "\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4] | more elements than 63 bits",
                "\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0] | more bytes than 63 bits",
                "\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,4]                   | do not fill whole bytes",
                "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]                  | takes 8 bytes",
                "\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,4]                  | takes 0 bytes",
                "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]                  | begin <= end",
                "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]                    | begin <= end",
                "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]                | more than 2 numbers",
                "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]                 | must not be negative",
                "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]                  | only 4 bytes of data",
                "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]                  | only 4 bytes of data",
                "\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[2,4]                  | a gap"
            })
    void aWrongEntryIsRefusedByName(String entry, String problem) throws IOException {
        Path file = file("{\"w.x\":{" + entry + "}}", new byte[4]);
        SafetensorsException fault = assertFault(file, problem, null);
        assertEquals("w.x", fault.tensor().orElseThrow());
        assertTrue(fault.offset().isPresent());
    }

    @Test
    void overlapsGapsAndLeftoversAreRefused() throws IOException {
        String two = "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[%d,%d]}}";
        SafetensorsException overlap = assertFault(file(two.formatted(3, 7), new byte[7]), "an overlap", null);
        assertEquals("b", overlap.tensor().orElseThrow());
        assertFault(file(two.formatted(0, 4), new byte[4]), "an overlap", null);
        assertFault(file(two.formatted(5, 9), new byte[9]), "a gap", null);
        Path leftover = file(two.formatted(4, 8), new byte[11]);
        assertFault(leftover, "3 bytes at the end belong to no tensor", Files.size(leftover) - 3);
    }

    @Test
    void duplicateTensorsAreRefusedAtTheSecond() throws IOException {
        String entry = ":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
        String header = "{\"a\"" + entry + ",\"\\u0061\"" + entry + "}";
        assertFault(file(header, new byte[0]), "duplicate key 'a' in the header", 8L + header.indexOf("\"\\u0061"));
    }

    @Test
    void invalidUtf8IsRefused() throws IOException {
        for (byte[] bad : new byte[][] {
            {(byte) 0xFF}, {(byte) 0xC0, (byte) 0x80}, {(byte) 0xED, (byte) 0xA0, (byte) 0x80}, {(byte) 0xC3}
        }) {
            byte[] header = "{\"????\":1}".getBytes(StandardCharsets.UTF_8);
            System.arraycopy(bad, 0, header, 2, bad.length);
            assertFault(file(header, new byte[0]), "not valid UTF-8", 10L);
            byte[] bare = "{????}".getBytes(StandardCharsets.UTF_8);
            System.arraycopy(bad, 0, bare, 1, bad.length);
            assertFault(file(bare, new byte[0]), "must be a string, but found byte", 9L);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"a\":{\"shape\":", "{\"__metadata__\":{\"a\":"})
    void deepNestingIsRefusedNotFollowed(String start) throws IOException {
        assertFault(file(start + "[".repeat(1_000_000), new byte[0]), "must be", null);
    }

    @Test
    void whiteSpaceIsAllowedAfterTheHeaderButNotBefore() throws IOException {
        assertFault(file(" {}", new byte[0]), "must begin with '{'", 8L);
        SafetensorsFile.open(file("{} \t\r\n ", new byte[0])).close();
    }

    @Test
    void controlCharactersInStringsAreRefused() throws IOException {
        assertFault(file("{\"a\nb\":1}", new byte[0]), "control character", 11L);
        assertFault(file("{\"\\n\n\":1}", new byte[0]), "control character", 12L);
    }

    private static SafetensorsException assertFault(Path file, String problem, @Nullable Long offset) {
        SafetensorsException fault = assertThrows(
                SafetensorsException.class, () -> SafetensorsFile.open(file).close());
        assertEquals(file, fault.file().orElseThrow());
        assertTrue(fault.getMessage().contains(problem), fault.getMessage());
        assertTrue(fault.getMessage().startsWith(file.toString()), fault.getMessage());
        if (offset != null) {
            assertEquals(offset, fault.offset().orElseThrow(), fault.getMessage());
        }
        return fault;
    }

    private Path file(String header, byte[] data) throws IOException {
        return file(header.getBytes(StandardCharsets.UTF_8), data);
    }

    private Path file(byte[] header, byte[] data) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length).put(header).put(data);
        return Files.write(folder.resolve("test.safetensors"), bytes.array());
    }
}
