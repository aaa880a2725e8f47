package org.filigree.attention.compressed;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.filigree.attention.SparseAttention;
import org.filigree.attention.TopBlocks;
import org.filigree.attention.TopK;
import org.filigree.core.io.SafetensorsFile;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.testkit.Conformance;

/** Layers with results in float64 of an independent implementation; DESIGN.md says how they were made. */
final class Golden {
    static final List<String> V4 = List.of("window", "overlapping", "disjoint");

    private Golden() {}

    static SafetensorsFile open(String name) {
        return SafetensorsFile.open(Path.of(
                System.getProperty("basedir", ""),
                "src",
                "test",
                "resources",
                "compressed-attention",
                name + ".safetensors"));
    }

    static CompressedAttentionConfig config(SafetensorsFile file) {
        return base(file).withRatio(integer(file, "compress_ratio"));
    }

    private static CompressedAttentionConfig base(SafetensorsFile file) {
        return new CompressedAttentionConfig(
                head(file, SharedHeadConfig.QueryNorm.PER_HEAD),
                integer(file, "sliding_window"),
                rotary(file),
                new Compression.Overlapping(4),
                new EntryChoice.Scored(
                        CompressedIndexerConfig.of(integer(file, "index_n_heads"), integer(file, "index_head_dim")),
                        TopK.of(integer(file, "index_topk"))),
                KeyValueRounding.none(),
                SparseAttention.cheaper());
    }

    static SharedHeadConfig head(SafetensorsFile file, SharedHeadConfig.QueryNorm norm) {
        return new SharedHeadConfig(
                integer(file, "hidden_size"),
                integer(file, "num_attention_heads"),
                integer(file, "head_dim"),
                integer(file, "qk_rope_head_dim"),
                integer(file, "q_lora_rank"),
                integer(file, "o_groups"),
                integer(file, "o_lora_rank"),
                norm,
                Conformance.number(file, "rms_norm_eps"));
    }

    static CompressedAttentionConfig.RotaryChoice rotary(SafetensorsFile file) {
        return new CompressedAttentionConfig.RotaryChoice(
                new Frequencies.Plain(Conformance.number(file, "rope_theta")),
                new Frequencies.Yarn(
                        Conformance.number(file, "compress_rope_theta"),
                        integer(file, "original_max_position_embeddings"),
                        Conformance.number(file, "factor"),
                        Conformance.number(file, "beta_fast"),
                        Conformance.number(file, "beta_slow")));
    }

    static int integer(SafetensorsFile file, String key) {
        return (int) Conformance.number(file, key);
    }

    /** The layers of a model of the V4.1 kind, first layer first. */
    static List<SourcedAttentionConfig> sourced(SafetensorsFile file) {
        var pattern = new SourcePattern(
                integers(file, "compress_ratios"),
                integers(file, "kv_source_layer_ids"),
                integers(file, "index_source_layer_ids"),
                integer(file, "candidate_source_layer_id"),
                TopBlocks.byBest(integer(file, "candidate_topk_blocks"), integer(file, "candidate_block_size")));
        return SourcedAttentionConfig.layers(
                pattern,
                head(file, SharedHeadConfig.QueryNorm.NONE),
                integer(file, "sliding_window"),
                rotary(file),
                LatentIndexerConfig.of(integer(file, "index_n_heads"), integer(file, "index_head_dim")),
                integer(file, "index_topk"));
    }

    private static List<Integer> integers(SafetensorsFile file, String key) {
        return Arrays.stream(file.metadata().getOrDefault(key, "").split(" ", -1))
                .map(Integer::valueOf)
                .toList();
    }
}
