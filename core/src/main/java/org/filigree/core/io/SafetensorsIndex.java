package org.filigree.core.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * A checkpoint in several safetensors files, found through its index: {@code {"metadata": {…}, "weight_map": {tensor:
 * shard}}}. Opening maps every shard and checks that index and shards agree on every tensor. Shards lie beside the
 * index.
 */
public final class SafetensorsIndex implements TensorSource {
    private static final int LISTED = 100;

    private final Path index;
    private final Arena arena;
    private final Map<String, String> metadata;
    private final Map<String, SafetensorsFile> shardOf;
    private final List<String> names;

    private SafetensorsIndex(
            Path index, Arena arena, Map<String, String> metadata, Map<String, SafetensorsFile> shardOf) {
        this.index = index;
        this.arena = arena;
        this.metadata = Collections.unmodifiableMap(metadata);
        this.shardOf = shardOf;
        this.names = List.copyOf(shardOf.keySet());
    }

    /**
     * Opens an index and all its shards.
     *
     * @param index path of the {@code …index.json}
     * @return the opened checkpoint, to be closed by the caller
     * @throws SafetensorsException if the index or a shard cannot be read, a shard's name leaves the folder, or
     *     tensors are missing from their shard or unknown to the index; one error lists all of them
     */
    public static SafetensorsIndex open(Path index) {
        Map<String, String> metadata = new LinkedHashMap<>();
        Map<String, String> weightMap = parse(index, metadata);
        Arena arena = Arena.ofShared();
        try {
            return new SafetensorsIndex(index, arena, metadata, join(index, weightMap, arena));
        } catch (Throwable failed) {
            arena.close();
            throw failed;
        }
    }

    @Override
    public List<String> names() {
        return names;
    }

    @Override
    public boolean contains(String name) {
        return shardOf.containsKey(name);
    }

    @Override
    public StoredTensor tensor(String name) {
        SafetensorsFile shard = shardOf.get(name);
        if (shard == null) {
            throw MissingTensor.in(index, name, names);
        }
        return shard.tensor(name);
    }

    /** The index's own metadata; values that are not strings are given as JSON. */
    @Override
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    /**
     * The path and the number of tensors.
     *
     * @return a short description
     */
    @Override
    public String toString() {
        return index + " (" + names.size() + " tensors)";
    }

    private static Map<String, String> parse(Path index, Map<String, String> metadata) {
        JsonCursor json = new JsonCursor(bytes(index), 0, index);
        Map<String, String> weightMap = new LinkedHashMap<>();
        boolean[] seen = {false};
        json.object("the index", (key, _) -> {
            switch (key) {
                case "weight_map" -> {
                    seen[0] = true;
                    json.object("weight_map", (tensor, _) -> {
                        json.about(tensor);
                        long offset = json.offset();
                        String shard = json.string("the shard");
                        if (!isPlainFileName(shard)) {
                            throw json.failure("shard '" + shard + "' is no plain file name beside the index", offset);
                        }
                        weightMap.put(tensor, shard);
                        json.about(null);
                    });
                }
                case "metadata" ->
                    json.object("metadata", (name, _) -> metadata.put(name, json.any("metadata '" + name + "'")));
                default -> json.any("'" + key + "'");
            }
        });
        json.end("the index");
        if (!seen[0]) {
            throw SafetensorsException.ofFile(index, "the index has no weight_map");
        }
        return weightMap;
    }

    private static byte[] bytes(Path index) {
        if (Files.isDirectory(index)) {
            throw SafetensorsException.ofFile(index, "is a folder, not an index");
        }
        try {
            long size = Files.size(index);
            if (size > SafetensorsHeader.MAX_LENGTH) {
                throw SafetensorsException.ofFile(
                        index,
                        "has " + size + " bytes, past the cap of " + SafetensorsHeader.MAX_LENGTH + " for an index");
            }
            return Files.readAllBytes(index);
        } catch (NoSuchFileException missing) {
            throw SafetensorsException.ofFile(index, "no such file", missing);
        } catch (IOException unreadable) {
            throw SafetensorsException.ofFile(index, "cannot be read: " + unreadable.getMessage(), unreadable);
        }
    }

    /** No separators of any platform, no drive or stream colon, no control characters, and neither "." nor "..". */
    private static boolean isPlainFileName(String shard) {
        return !shard.isBlank()
                && !shard.equals(".")
                && !shard.equals("..")
                && shard.chars().allMatch(c -> c >= 0x20 && c != 0x7F && c != '/' && c != '\\' && c != ':');
    }

    private static Map<String, SafetensorsFile> join(Path index, Map<String, String> weightMap, Arena arena) {
        List<String> problems = new ArrayList<>();
        Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
        for (String shard : new TreeSet<>(weightMap.values())) {
            Path path = index.resolveSibling(shard);
            if (Files.exists(path)) {
                shards.put(shard, SafetensorsFile.open(path, arena));
            } else {
                problems.add("shard " + shard + " does not exist");
            }
        }
        weightMap.forEach((tensor, shard) -> {
            SafetensorsFile file = shards.get(shard);
            if (file != null && !file.contains(tensor)) {
                problems.add("'" + tensor + "' is not in " + shard);
            }
        });
        Map<String, SafetensorsFile> shardOf = LinkedHashMap.newLinkedHashMap(weightMap.size());
        shards.forEach((shard, file) -> {
            for (String tensor : file.names()) {
                if (shard.equals(weightMap.get(tensor))) {
                    shardOf.put(tensor, file);
                } else {
                    problems.add("'" + tensor + "' is in " + shard + " but the index "
                            + (weightMap.containsKey(tensor)
                                    ? "puts it in " + weightMap.get(tensor)
                                    : "does not list it"));
                }
            }
        });
        if (!problems.isEmpty()) {
            String more = problems.size() > LISTED ? "; and " + (problems.size() - LISTED) + " more" : "";
            throw SafetensorsException.ofFile(
                    index,
                    "index and shards disagree: "
                            + String.join("; ", problems.subList(0, Math.min(LISTED, problems.size()))) + more);
        }
        return Collections.unmodifiableMap(shardOf);
    }
}
