package org.filigree.core.io;

import static org.filigree.core.op.MatMul.matmulTransposed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.nn.Initializer;
import org.filigree.core.nn.Linear;
import org.filigree.core.nn.LinearConfig;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.op.Pointwise;
import org.filigree.core.op.Reduce;
import org.filigree.core.optim.AdamWConfig;
import org.filigree.core.optim.CombinedOptimizer;
import org.filigree.core.optim.MuonConfig;
import org.filigree.core.optim.Optimizer;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingCheckpointTest {
    @TempDir
    Path folder;

    /** A two-layer network with everything that a checkpoint must carry. */
    private static final class Run {
        final Backend backend;
        final Linear first;
        final Linear second;
        final ParameterMap parameters;
        final Optimizer optimizer;
        RandomStream data;
        long steps;

        Run(Backend backend, long seed) {
            this.backend = backend;
            RandomStream random = RandomStream.of(seed);
            first = LinearConfig.of(5, 7).withBias().init(backend, random.fork("first"));
            second = LinearConfig.of(7, 3).init(backend, random.fork("second"));
            parameters = ParameterMap.empty().with("first", first.parameters()).with("second", second.parameters());
            optimizer = CombinedOptimizer.of(
                    MuonConfig.deepSeek().init(parameters.filter((path, parameter) -> path.endsWith("weight"))),
                    AdamWConfig.deepSeek().init(parameters.filter((path, parameter) -> path.endsWith("bias"))));
            data = random.fork("data");
        }

        void train(int count) {
            for (int i = 0; i < count; i++, steps++) {
                Tensor x = Initializer.normal(1).draw(backend, Shape.of(4, 5), data);
                Tensor y = matmulTransposed(
                        Pointwise.silu(first.forward(x)), second.weight().value());
                optimizer.step(Autograd.backward(Reduce.mean(Pointwise.square(y))), 0.01);
            }
        }

        void save(Path file) throws IOException {
            TrainingCheckpoint.save(
                    file,
                    parameters,
                    optimizer,
                    new TrainingCheckpoint.Progress(
                            steps, Map.of("data", data.state()), Map.of("config", "{\"n\": 7}")));
        }

        void load(Path file) {
            TrainingCheckpoint.Progress progress = TrainingCheckpoint.load(file, parameters, optimizer);
            steps = progress.steps();
            data = RandomStream.restore(
                    Objects.requireNonNull(progress.streams().get("data")));
            assertEquals("{\"n\": 7}", progress.notes().get("config"));
        }

        List<float[]> values() {
            return parameters.asMap().values().stream()
                    .map(parameter -> parameter.value().toFloats())
                    .toList();
        }
    }

    private static void assertSame(List<float[]> expected, List<float[]> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void continuesBitwiseAsIfNeverInterrupted(String name) throws IOException {
        try (Backend backend = Backends.open(name)) {
            var whole = new Run(backend, 1);
            whole.train(9);
            var interrupted = new Run(backend, 1);
            interrupted.train(4);
            Path file = folder.resolve("training.safetensors");
            interrupted.save(file);
            var resumed = new Run(backend, 2);
            resumed.load(file);
            assertEquals(4, resumed.steps);
            resumed.train(5);
            assertSame(whole.values(), resumed.values());
        }
    }

    @Test
    void refusesAnotherModelAndChangesNothing() throws IOException {
        try (Backend backend = Backends.open("scalar")) {
            var run = new Run(backend, 1);
            Path file = folder.resolve("training.safetensors");
            run.save(file);
            Linear other = LinearConfig.of(5, 8).init(backend, RandomStream.of(3));
            ParameterMap parameters = ParameterMap.empty().with("first", other.parameters());
            float[] before = other.weight().value().toFloats();
            var refused = assertThrows(
                    SafetensorsException.class,
                    () -> TrainingCheckpoint.load(
                            file, parameters, AdamWConfig.deepSeek().init(parameters)));
            assertTrue(refused.getMessage().contains("parameter.first.weight is [7, 5] but the model needs [8, 5]"));
            assertTrue(refused.getMessage().contains("parameter.second.weight is stored"));
            assertArrayEquals(before, other.weight().value().toFloats());
        }
    }

    @Test
    void refusesWrongTypesAndChangesNothing() throws IOException {
        try (Backend backend = Backends.open("scalar")) {
            Parameter real = Parameter.learned(backend.tensors().full(Shape.of(2), 3));
            Parameter whole = Parameter.state(backend.tensors().ints(Shape.of(2), new int[] {4, 5}));
            ParameterMap parameters = ParameterMap.empty().with("a", real).with("b", whole);
            Path file = folder.resolve("parameters.safetensors");
            long[] shape = {2};
            new SafetensorsWriter()
                    .add(StoredTensor.ofInts("a", shape, new int[] {1, 2}))
                    .add(StoredTensor.ofFloats("b", StoredType.BF16, shape, new float[] {1, 2}))
                    .write(file);
            String types = refused(file, parameters).getMessage();
            assertTrue(types.contains("a is stored as I32 but the model needs FLOAT32"), types);
            assertTrue(types.contains("b is stored as BF16 but the model needs INT32"), types);
            new SafetensorsWriter()
                    .add(StoredTensor.ofFloats("a", StoredType.F32, shape, new float[] {1, 2}))
                    .add(StoredTensor.ofLongs("b", StoredType.I64, shape, new long[] {1, 1L << 40}))
                    .write(file);
            SafetensorsException outOfRange = refused(file, parameters);
            assertEquals(file, outOfRange.file().orElseThrow());
            assertEquals("b", outOfRange.tensor().orElseThrow());
            assertArrayEquals(new float[] {3, 3}, real.value().toFloats());
            assertArrayEquals(new int[] {4, 5}, whole.value().toInts());
        }
    }

    private static SafetensorsException refused(Path file, ParameterMap parameters) {
        try (TensorSource source = TensorSource.open(file)) {
            return assertThrows(SafetensorsException.class, () -> ParameterFile.load(source, parameters));
        }
    }

    @Test
    void refusesEveryTruncation() throws IOException {
        try (Backend backend = Backends.open("scalar")) {
            var run = new Run(backend, 1);
            run.train(1);
            Path file = folder.resolve("training.safetensors");
            run.save(file);
            byte[] whole = Files.readAllBytes(file);
            Path cut = folder.resolve("cut.safetensors");
            for (int length = 0; length < whole.length; length += 37) {
                Files.write(cut, Arrays.copyOf(whole, length));
                assertThrows(SafetensorsException.class, () -> run.load(cut));
            }
        }
    }

    @Test
    void aFailedSaveLeavesTheOldCheckpoint() throws IOException {
        try (Backend backend = Backends.open("scalar")) {
            var run = new Run(backend, 1);
            Path file = folder.resolve("training.safetensors");
            run.save(file);
            byte[] before = Files.readAllBytes(file);
            run.train(1);
            assertThrows(
                    IllegalStateException.class,
                    () -> new SafetensorsWriter()
                            .add("broken", StoredType.F32, new long[] {1 << 20}, (offset, piece) -> {
                                throw new IllegalStateException("the power went");
                            })
                            .write(file));
            assertArrayEquals(before, Files.readAllBytes(file));
            try (var left = Files.list(folder)) {
                assertFalse(left.anyMatch(path -> !path.equals(file)), "no temporary file is left behind");
            }
        }
    }
}
