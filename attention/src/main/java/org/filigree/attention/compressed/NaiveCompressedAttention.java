package org.filigree.attention.compressed;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.filigree.attention.TopK;

/**
 * The attention of DeepSeek-V4 as plain loops in double precision, for one sequence seen at once: every entry, or those that the
 * lightning indexer scores highest.
 */
final class NaiveCompressedAttention {
    private final Compression compression;
    private final EntryChoice choice;
    private final NaiveSharedHead head;
    private final NaiveStore store;

    NaiveCompressedAttention(CompressedAttentionConfig config, Map<String, double[]> weights) {
        this(config, weights, NaiveStore.EXACT);
    }

    NaiveCompressedAttention(CompressedAttentionConfig config, Map<String, double[]> weights, NaiveStore store) {
        this.store = store;
        this.compression = config.compression();
        this.choice = config.choice();
        float[] frequencies = config.rotary().of(compression).of(config.head().rotary());
        this.head = new NaiveSharedHead(config.head(), config.window(), frequencies, weights);
    }

    /** x [tokens][width] to the same shape. */
    double[][] forward(double[][] x) {
        double[][] window = store.stored(CompressedAttention.WINDOW, head.keys(x));
        double[][] entries = compression.ratio() == 0
                ? new double[0][]
                : head.latents("compressor.", compression, x, store, CompressedAttention.ROWS);
        for (int w = 0; w < entries.length; w++) {
            double[] entry = head.turned(entries[w], w * compression.ratio(), 1);
            entries[w] = store.stored(CompressedAttention.ENTRIES, entry);
        }
        double[][] indexKeys = indexKeys(x);
        double[][] output = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] latent = head.queryLatent(x[t]);
            var keys = new ArrayList<>(head.window(window, t));
            for (int w : chosen(x[t], latent, t, indexKeys)) {
                keys.add(entries[w]);
            }
            output[t] = head.output(latent, t, keys);
        }
        return output;
    }

    private double[][] indexKeys(double[][] x) {
        if (compression.ratio() == 0 || choice instanceof EntryChoice.Every) {
            return new double[0][];
        }
        double[][] keys = head.latents("indexer.compressor.", compression, x, store, CompressedAttention.SCORER_ROWS);
        for (int w = 0; w < keys.length; w++) {
            double[] key = NaiveProducts.hadamard(head.turned(keys[w], w * compression.ratio(), 1));
            keys[w] = store.stored(CompressedAttention.SCORER_KEYS, key);
        }
        return keys;
    }

    /** Entries of runs that end at t or before; the k of highest score, ties to the lower number. */
    private List<Integer> chosen(double[] x, double[] latent, int t, double[][] indexKeys) {
        int visible = compression.entries(t + 1);
        if (choice instanceof EntryChoice.Scored(CompressedIndexerConfig indexer, TopK(int k))) {
            var asking = new NaiveSharedHead.Asking(indexer.heads(), indexer.dim(), NaiveSharedHead.Transform.HADAMARD);
            double[] scores =
                    head.scores(x, latent, t, asking, List.of(indexKeys).subList(0, visible));
            return NaiveProducts.best(scores, k);
        }
        return NaiveProducts.best(new double[visible], visible);
    }
}
