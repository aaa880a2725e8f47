package org.filigree.core.io;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.optim.Optimizer;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;

/**
 * All that training must remember: parameters, optimiser state, the number of steps done, random streams, and notes of the
 * caller. Kept in one safetensors file that is replaced atomically, so a kill at any moment leaves the last complete one; training that
 * continues from it gives bitwise what it would have given without the break, on a backend that computes in float32.
 */
public final class TrainingCheckpoint {
    private static final String FORMAT = "filigree-training-1";
    private static final String PARAMETER = "parameter.";
    private static final String OPTIMIZER = "optimizer.";
    private static final String RANDOM = "random.";
    private static final String NOTE = "note.";

    private TrainingCheckpoint() {}

    /**
     * How far training is.
     *
     * @param steps optimiser steps done
     * @param streams state of every random stream, by name
     * @param notes what the caller wants to find again
     */
    public record Progress(long steps, Map<String, RandomStream.State> streams, Map<String, String> notes) {
        /** Copies the maps. */
        public Progress {
            streams = Map.copyOf(streams);
            notes = Map.copyOf(notes);
        }

        /**
         * Progress without random streams and notes.
         *
         * @param steps optimiser steps done
         * @return the progress
         */
        public static Progress of(long steps) {
            return new Progress(steps, Map.of(), Map.of());
        }
    }

    /**
     * Writes a checkpoint, replacing the file as a whole.
     *
     * @param file where to
     * @param parameters of the model
     * @param optimizer that updates them
     * @param progress how far training is
     * @throws IOException if the file cannot be written; an older one is still there then
     */
    public static void save(Path file, ParameterMap parameters, Optimizer optimizer, Progress progress)
            throws IOException {
        var writer =
                new SafetensorsWriter().metadata("format", FORMAT).metadata("steps", Long.toString(progress.steps()));
        new TreeMap<>(progress.streams())
                .forEach((name, state) -> writer.metadata(
                        RANDOM + name,
                        Arrays.stream(state.toLongs()).mapToObj(Long::toString).collect(Collectors.joining(" "))));
        new TreeMap<>(progress.notes()).forEach((key, text) -> writer.metadata(NOTE + key, text));
        parameters.forEach((path, parameter) -> writer.add(ParameterFile.stored(PARAMETER + path, parameter.value())));
        optimizer.state().forEach((name, tensor) -> writer.add(ParameterFile.stored(OPTIMIZER + name, tensor)));
        writer.write(file);
    }

    /**
     * Restores a checkpoint. Nothing is overwritten unless the whole file fits.
     *
     * @param file as {@link #save} wrote it
     * @param parameters of the model, overwritten
     * @param optimizer that updates them, its state overwritten
     * @return how far training was
     * @throws SafetensorsException if the file is damaged, of another format, or does not fit the model
     */
    public static Progress load(Path file, ParameterMap parameters, Optimizer optimizer) {
        try (TensorSource source = SafetensorsFile.open(file)) {
            Map<String, String> metadata = source.metadata();
            if (!FORMAT.equals(metadata.get("format"))) {
                throw SafetensorsException.ofFile(
                        file,
                        "the format is " + metadata.get("format") + ", not " + FORMAT
                                + "; is this a training checkpoint?");
            }
            var targets = new LinkedHashMap<String, Tensor>();
            parameters.forEach((path, parameter) -> targets.put(PARAMETER + path, parameter.value()));
            optimizer.state().forEach((name, tensor) -> targets.put(OPTIMIZER + name, tensor));
            var problems = new ArrayList<String>();
            targets.forEach((name, tensor) -> ParameterFile.check(source, name, tensor, problems));
            for (String name : source.names()) {
                if (!targets.containsKey(name)) {
                    problems.add(name + " is stored but neither model nor optimiser has it");
                }
            }
            ParameterFile.refuse(problems);
            Progress progress = progress(file, metadata);
            var values = new LinkedHashMap<Parameter, Tensor>();
            parameters.forEach((path, parameter) ->
                    values.put(parameter, ParameterFile.tensor(source, PARAMETER + path, parameter.value())));
            var state = new LinkedHashMap<String, Tensor>();
            optimizer
                    .state()
                    .forEach((name, tensor) -> state.put(name, ParameterFile.tensor(source, OPTIMIZER + name, tensor)));
            optimizer.restore(state);
            values.forEach(Parameter::assign);
            return progress;
        }
    }

    private static Progress progress(Path file, Map<String, String> metadata) {
        var streams = new LinkedHashMap<String, RandomStream.State>();
        var notes = new LinkedHashMap<String, String>();
        try {
            metadata.forEach((key, text) -> {
                if (key.startsWith(RANDOM)) {
                    streams.put(
                            key.substring(RANDOM.length()),
                            RandomStream.State.ofLongs(Arrays.stream(text.split(" "))
                                    .mapToLong(Long::parseLong)
                                    .toArray()));
                } else if (key.startsWith(NOTE)) {
                    notes.put(key.substring(NOTE.length()), text);
                }
            });
            return new Progress(Long.parseLong(metadata.getOrDefault("steps", "")), streams, notes);
        } catch (IllegalArgumentException e) {
            throw SafetensorsException.ofFile(
                    file, "the training progress in its metadata cannot be read: " + e.getMessage());
        }
    }
}
