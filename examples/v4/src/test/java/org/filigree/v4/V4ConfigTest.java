package org.filigree.v4;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.random.RandomStream;
import org.filigree.v4.V4Config.Preset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class V4ConfigTest {
    @TempDir
    Path folder;

    @Test
    void presetsAreWhatWasPredicted() {
        V4Config full = V4Config.predicted(Preset.FULL);
        assertEquals(40, full.layers());
        assertEquals(40, full.attention().heads());
        assertEquals(512, full.attention().nopeDim() + full.attention().ropeDim());
        assertEquals(512, full.attention().valueDim());
        assertEquals(70, full.experts().routed());
        assertEquals(16, full.experts().chosen());
        assertEquals(List.of(2, 8, 15, 25), full.memory().layers());
        assertEquals(4, full.streams());
        assertEquals(1 << 20, full.context());
        assertEquals(6, full.forCode().streams());
        assertEquals(4, full.forCode().memory().longest());
        long small = V4Config.predicted(Preset.SMALL).cost().total();
        assertTrue(small > 18_000_000 && small < 22_000_000, "small has " + small + " parameters");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 6})
    void theAccountCountsWhatIsBuilt(int streams) {
        try (Backend backend = Backends.open("scalar")) {
            for (V4Config config : List.of(
                    TinyConfigs.bytes().withStreams(streams),
                    TinyConfigs.bytes().withStreams(streams).withLayers(1),
                    TinyConfigs.bytes()
                            .withStreams(streams)
                            .withMemory(new MemorySizes(List.of(), 3, 2, 4, 10))
                            .withExperts(new ExpertSizes(4, 4, 0, 3)))) {
                V4 model = config.init(backend, RandomStream.of(1));
                assertEquals(model.parameters().elements(), config.cost().total());
            }
        }
    }

    @Test
    void theTinyPresetIsCountedRightToo() {
        V4Config config = V4Config.predicted(Preset.TINY);
        try (Backend backend = Backends.open("scalar")) {
            assertEquals(
                    config.init(backend, RandomStream.of(1)).parameters().elements(),
                    config.cost().total());
        }
    }

    @Test
    void activeParametersAndCacheBytesByHand() {
        V4Config config = TinyConfigs.bytes();
        CostAccount cost = config.cost();
        long unused = 3L * 3 * (3 * 16 * 7);
        long embedding = 261L * 16 - 16;
        long tables = cost.memory() - 2L * 6 * 3;
        long completion = 16 + 261L * 16;
        assertEquals(cost.total() - unused - embedding - tables - completion, cost.active());
        assertEquals(3 * (8 + 4 + 8) * 4, cost.cacheBytes());
    }

    @ParameterizedTest
    @EnumSource(Preset.class)
    void aConfigurationSurvivesItsFile(Preset preset) throws IOException {
        V4Config config = V4Config.predicted(preset).forCode();
        ConfigFile.write(folder, config);
        assertEquals(config, ConfigFile.read(folder));
    }

    @Test
    void aDamagedFileNamesEverythingThatIsWrong() throws IOException {
        ConfigFile.write(folder, TinyConfigs.bytes());
        Path file = folder.resolve(ConfigFile.NAME);
        String text = Files.readString(file)
                .replace("\"hidden_size\" : 16", "\"hidden_size\" : \"wide\"")
                .replace("kv_lora_rank", "kv_lora_rang");
        Files.writeString(file, text);
        String message = refusal();
        assertTrue(message.contains("hidden_size is \"wide\", not an integer"), message);
        assertTrue(message.contains("kv_lora_rank is missing"), message);
        assertTrue(message.contains("kv_lora_rang is unknown"), message);
        Files.writeString(file, "{");
        assertThrows(ModelException.class, () -> ConfigFile.read(folder));
        Files.delete(file);
        assertTrue(refusal().contains("holds no config.json"));
    }

    private String refusal() {
        return String.valueOf(assertThrows(ModelException.class, () -> ConfigFile.read(folder))
                .getMessage());
    }

    @Test
    void badSizesAreRefused() {
        V4Config config = TinyConfigs.bytes();
        assertThrows(IllegalArgumentException.class, () -> config.withStreams(9));
        assertThrows(IllegalArgumentException.class, () -> config.withMemory(new MemorySizes(List.of(3), 3, 2, 4, 10)));
        assertThrows(
                IllegalArgumentException.class, () -> config.withMemory(new MemorySizes(List.of(1, 1), 3, 2, 4, 10)));
        assertThrows(IllegalArgumentException.class, () -> new ExpertSizes(4, 5, 0, 3));
    }
}
