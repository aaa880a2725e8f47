package org.filigree.v4;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.filigree.core.io.AtomicFile;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A model's {@code config.json}, with the field names of published configurations where they have one. */
public final class ConfigFile {
    /** Name of the file in a model's folder. */
    public static final String NAME = "config.json";

    private static final String MODEL_TYPE = "filigree_v4_predicted";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private ConfigFile() {}

    /**
     * Writes a configuration, whole or not at all.
     *
     * @param folder the model's folder
     * @param config what to write
     * @throws IOException if the file cannot be written
     */
    public static void write(Path folder, V4Config config) throws IOException {
        AtomicFile.write(folder.resolve(NAME), toJson(config) + "\n");
    }

    /**
     * Reads a configuration.
     *
     * @param folder the model's folder
     * @return the configuration
     * @throws ModelException if the file is missing or damaged, listing every missing, unknown or ill-typed field
     */
    public static V4Config read(Path folder) {
        Path file = folder.resolve(NAME);
        try {
            return fromJson(Files.readString(file));
        } catch (NoSuchFileException e) {
            throw new ModelException(folder + " holds no " + NAME + "; is it the folder of a trained model?", e);
        } catch (IOException | JacksonException | IllegalArgumentException e) {
            throw new ModelException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    static String toJson(V4Config config) {
        ObjectNode node = JSON.createObjectNode();
        node.put("model_type", MODEL_TYPE);
        node.put("vocab_size", config.vocabulary());
        node.put("hidden_size", config.width());
        node.put("num_hidden_layers", config.layers());
        node.put("max_position_embeddings", config.context());
        node.put("rms_norm_eps", config.normEps());
        node.put("hc_mult", config.streams());
        node.put("hc_sinkhorn_iters", config.sinkhornIterations());
        AttentionSizes attention = config.attention();
        node.put("num_attention_heads", attention.heads());
        node.put("q_lora_rank", attention.queryRank());
        node.put("kv_lora_rank", attention.latentRank());
        node.put("qk_nope_head_dim", attention.nopeDim());
        node.put("qk_rope_head_dim", attention.ropeDim());
        node.put("v_head_dim", attention.valueDim());
        node.put("rope_theta", attention.ropeBase());
        node.put("index_n_heads", attention.indexHeads());
        node.put("index_head_dim", attention.indexDim());
        node.put("index_topk", attention.selected());
        ExpertSizes experts = config.experts();
        node.put("n_routed_experts", experts.routed());
        node.put("num_experts_per_tok", experts.chosen());
        node.put("n_shared_experts", experts.shared());
        node.put("moe_intermediate_size", experts.hidden());
        MemorySizes memory = config.memory();
        var layers = node.putArray("engram_layer_ids");
        memory.layers().forEach(layers::add);
        node.put("engram_max_ngram_size", memory.longest());
        node.put("engram_n_heads", memory.heads());
        node.put("engram_head_dim", memory.headWidth());
        node.put("engram_vocab_size", memory.rows());
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node);
    }

    static V4Config fromJson(String text) {
        JsonNode node = JSON.readTree(text);
        if (!node.isObject()) {
            throw new IllegalArgumentException("it is no JSON object");
        }
        var fields = new Fields(node);
        String type = fields.text("model_type");
        if (!type.equals(MODEL_TYPE)) {
            throw new IllegalArgumentException("model_type is " + type + ", not " + MODEL_TYPE);
        }
        int vocabulary = fields.integer("vocab_size");
        int width = fields.integer("hidden_size");
        int blocks = fields.integer("num_hidden_layers");
        int context = fields.integer("max_position_embeddings");
        double eps = fields.real("rms_norm_eps");
        int streams = fields.integer("hc_mult");
        int iterations = fields.integer("hc_sinkhorn_iters");
        int[] a = fields.integers(
                "num_attention_heads",
                "q_lora_rank",
                "kv_lora_rank",
                "qk_nope_head_dim",
                "qk_rope_head_dim",
                "v_head_dim",
                "index_n_heads",
                "index_head_dim",
                "index_topk");
        double ropeBase = fields.real("rope_theta");
        int[] e =
                fields.integers("n_routed_experts", "num_experts_per_tok", "n_shared_experts", "moe_intermediate_size");
        List<Integer> memoryLayers = fields.list("engram_layer_ids");
        int[] m = fields.integers("engram_max_ngram_size", "engram_n_heads", "engram_head_dim", "engram_vocab_size");
        fields.finish();
        return new V4Config(
                vocabulary,
                width,
                blocks,
                streams,
                iterations,
                new AttentionSizes(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], ropeBase),
                new ExpertSizes(e[0], e[1], e[2], e[3]),
                new MemorySizes(memoryLayers, m[0], m[1], m[2], m[3]),
                context,
                eps);
    }

    /** Reads fields strictly and collects all that is wrong. */
    private static final class Fields {
        private final JsonNode node;
        private final List<String> problems = new ArrayList<>();
        private final TreeSet<String> unread = new TreeSet<>();

        Fields(JsonNode node) {
            this.node = node;
            unread.addAll(node.propertyNames());
        }

        private JsonNode field(String name) {
            unread.remove(name);
            return node.path(name);
        }

        String text(String name) {
            JsonNode value = field(name);
            return value.isString() ? value.stringValue() : "missing";
        }

        int integer(String name) {
            JsonNode value = field(name);
            if (!value.isInt()) {
                problems.add(name + (value.isMissingNode() ? " is missing" : " is " + value + ", not an integer"));
                return 1;
            }
            return value.intValue();
        }

        int[] integers(String... names) {
            int[] values = new int[names.length];
            for (int i = 0; i < names.length; i++) {
                values[i] = integer(names[i]);
            }
            return values;
        }

        double real(String name) {
            JsonNode value = field(name);
            if (!value.isNumber()) {
                problems.add(name + (value.isMissingNode() ? " is missing" : " is " + value + ", not a number"));
                return 1;
            }
            return value.doubleValue();
        }

        List<Integer> list(String name) {
            JsonNode value = field(name);
            var list = new ArrayList<Integer>();
            if (!value.isArray()) {
                problems.add(name + (value.isMissingNode() ? " is missing" : " is " + value + ", not a list"));
                return list;
            }
            for (JsonNode element : value) {
                if (element.isInt()) {
                    list.add(element.intValue());
                } else {
                    problems.add(name + " holds " + element + ", not an integer");
                }
            }
            return list;
        }

        void finish() {
            unread.forEach(name -> problems.add(name + " is unknown"));
            if (!problems.isEmpty()) {
                throw new IllegalArgumentException(String.join("; ", problems));
            }
        }
    }
}
