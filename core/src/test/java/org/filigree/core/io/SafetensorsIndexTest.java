package org.filigree.core.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsIndexTest {
    @TempDir
    Path folder;

    private Path index;

    @BeforeEach
    void writeTwoShards() throws IOException {
        index = folder.resolve("model.safetensors.index.json");
        shard("one.safetensors", "a", "b");
        shard("two.safetensors", "c");
    }

    private void shard(String file, String... names) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (String name : names) {
            writer.add(StoredTensor.ofInts(name, new long[0], new int[] {name.charAt(0)}));
        }
        writer.write(folder.resolve(file));
    }

    @Test
    void findsEveryTensorInItsShard() throws IOException {
        Files.writeString(index, """
                {"metadata": {"total_size": 12, "note": "x", "deep": {"a": [1, true, null]}}, "other": [1.5e3, {}],
                 "weight_map": {"c": "two.safetensors", "b": "one.safetensors", "a": "one.safetensors"}}
                """);
        try (TensorSource source = TensorSource.open(folder)) {
            assertEquals(List.of("a", "b", "c"), source.names());
            assertEquals(
                    Map.of("total_size", "12", "note", "x", "deep", "{\"a\": [1, true, null]}"), source.metadata());
            assertArrayEquals(new int[] {'c'}, source.tensor("c").toInts());
            SafetensorsException missing = assertThrows(SafetensorsException.class, () -> source.tensor("d"));
            assertEquals(index, missing.file().orElseThrow());
        }
        try (TensorSource source = TensorSource.open(index)) {
            assertTrue(source.contains("a"));
        }
    }

    @Test
    void disagreementsAreListedTogether() throws IOException {
        Files.writeString(index, """
                {"weight_map": {"a": "one.safetensors", "c": "one.safetensors", "x": "two.safetensors", "y": "three.safetensors"}}
                """);
        String message = assertThrows(SafetensorsException.class, () -> SafetensorsIndex.open(index))
                .getMessage();
        for (String problem : List.of(
                "shard three.safetensors does not exist",
                "'c' is not in one.safetensors",
                "'x' is not in two.safetensors",
                "'b' is in one.safetensors but the index does not list it",
                "'c' is in two.safetensors but the index puts it in one.safetensors")) {
            assertTrue(message.contains(problem), message);
        }
    }

    @Test
    void aCorruptShardIsNamed() throws IOException {
        Files.writeString(
                index,
                "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"one.safetensors\",\"c\":\"two.safetensors\"}}");
        Path two = folder.resolve("two.safetensors");
        byte[] bytes = Files.readAllBytes(two);
        Files.write(two, Arrays.copyOf(bytes, bytes.length - 1));
        SafetensorsException fault = assertThrows(SafetensorsException.class, () -> SafetensorsIndex.open(index));
        assertEquals(two, fault.file().orElseThrow());
        assertEquals("c", fault.tensor().orElseThrow());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../one.safetensors",
                "/etc/passwd",
                "sub/one.safetensors",
                "..",
                ".",
                "",
                " ",
                "C:one.safetensors",
                "..\\\\one.safetensors",
                "one\\u0000.safetensors"
            })
    void shardsOutsideTheFolderAreRefused(String shard) throws IOException {
        Files.writeString(index, "{\"weight_map\":{\"a\":\"" + shard + "\"}}");
        SafetensorsException fault = assertThrows(SafetensorsException.class, () -> SafetensorsIndex.open(index));
        assertTrue(fault.getMessage().contains("no plain file name"), fault.getMessage());
        assertEquals("a", fault.tensor().orElseThrow());
        assertTrue(fault.offset().isPresent());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{} | no weight_map",
                "[] | the index must be an object",
                "{\"weight_map\":[]} | weight_map must be an object",
                "{\"weight_map\":{\"a\":1}} | the shard must be a string",
                "{\"weight_map\":{\"a\":\"x\",\"a\":\"x\"}} | duplicate key 'a'",
                "{\"weight_map\":{},\"weight_map\":{}} | duplicate key 'weight_map'",
                "{\"weight_map\":{}} x | more than white space",
                "{\"x\":tru} | 'true' expected",
                "{\"x\":-} | must be a JSON value",
                "{\"x\":1.} | followed by digits",
                "{\"x\":1e} | exponent must have digits",
                "{\"x\": | must be a JSON value",
                "{\"x\":[[[[[[[[[[[[[[[[[[[[[[ | deep"
            })
    void malformedIndicesAreRefused(String text, String problem) throws IOException {
        Files.writeString(index, text);
        SafetensorsException fault = assertThrows(SafetensorsException.class, () -> SafetensorsIndex.open(index));
        assertTrue(fault.getMessage().contains(problem), fault.getMessage());
        assertEquals(index, fault.file().orElseThrow());
    }

    @Test
    void anAmbiguousOrEmptyFolderIsRefused() throws IOException {
        Files.writeString(index, "{\"weight_map\":{}}");
        Path single = Files.createFile(folder.resolve("model.safetensors"));
        assertTrue(assertThrows(SafetensorsException.class, () -> TensorSource.open(folder))
                .getMessage()
                .contains("both"));
        Files.delete(single);
        try (TensorSource nothing = TensorSource.open(folder)) {
            assertEquals(List.of(), nothing.names());
        }
        Files.delete(index);
        assertTrue(assertThrows(SafetensorsException.class, () -> TensorSource.open(folder))
                .getMessage()
                .contains("neither"));
        assertThrows(SafetensorsException.class, () -> SafetensorsIndex.open(folder));
        assertThrows(SafetensorsException.class, () -> TensorSource.open(index));
    }
}
