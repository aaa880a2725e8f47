package org.filigree.attention.compressed;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.filigree.attention.TopK;

/**
 * The attention of DeepSeek-V4 as plain loops in double precision, for one sequence seen at once: every entry, or those that the
 * lightning indexer scores highest. Weights by their released names, row-major.
 */
final class NaiveCompressedAttention {
    private final CompressedAttentionConfig config;
    private final SharedHeadConfig head;
    private final Map<String, double[]> weights;
    private final float[] frequencies;

    NaiveCompressedAttention(CompressedAttentionConfig config, Map<String, double[]> weights) {
        this.config = config;
        this.head = config.head();
        this.weights = weights;
        this.frequencies = config.rotary().of(config.compression()).of(head.rotary());
    }

    /** x [tokens][width] to the same shape. */
    double[][] forward(double[][] x) {
        int ratio = config.compression().ratio();
        double[][] window = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] key = NaiveProducts.times(weight("wkv.weight"), x[t]);
            window[t] = turned(NaiveProducts.rmsNorm(key, weight("kv_norm.weight"), head.normEps()), t, 1);
        }
        double[][] entries = ratio == 0 ? new double[0][] : compress("compressor.", x);
        for (int w = 0; w < entries.length; w++) {
            entries[w] = turned(entries[w], w * ratio, 1);
        }
        double[][] indexKeys = indexKeys(x);
        double[][] output = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] latent = NaiveProducts.rmsNorm(
                    NaiveProducts.times(weight("wq_a.weight"), x[t]), weight("q_norm.weight"), head.normEps());
            var keys = new ArrayList<double[]>();
            for (int w : chosen(x[t], latent, t, indexKeys)) {
                keys.add(entries[w]);
            }
            for (int s = Math.max(0, t - config.window() + 1); s <= t; s++) {
                keys.add(window[s]);
            }
            output[t] = projected(attended(latent, t, keys));
        }
        return output;
    }

    private double[][] compress(String path, double[][] x) {
        var compressor = new NaiveCompressor.Weights(
                weight(path + "wkv.weight"),
                weights.getOrDefault(path + "wgate.weight", new double[0]),
                weights.getOrDefault(path + "ape", new double[0]),
                weight(path + "norm.weight"));
        return NaiveCompressor.entries(x, config.compression(), compressor, head.normEps());
    }

    private double[][] indexKeys(double[][] x) {
        if (config.compression().ratio() == 0 || config.choice() instanceof EntryChoice.Every) {
            return new double[0][];
        }
        double[][] keys = compress("indexer.compressor.", x);
        for (int w = 0; w < keys.length; w++) {
            keys[w] = NaiveProducts.hadamard(
                    turned(keys[w], w * config.compression().ratio(), 1));
        }
        return keys;
    }

    /** Entries of runs that end at t or before; the k of highest score, ties to the lower number. */
    private List<Integer> chosen(double[] x, double[] latent, int t, double[][] indexKeys) {
        var chosen = new ArrayList<Integer>();
        for (int w = 0; w < config.compression().entries(t + 1); w++) {
            chosen.add(w);
        }
        if (config.choice() instanceof EntryChoice.Scored(CompressedIndexerConfig indexer, TopK(int k))) {
            int heads = indexer.heads();
            int dim = indexer.dim();
            double[] scores = new double[chosen.size()];
            for (int h = 0; h < heads; h++) {
                double[] q = NaiveProducts.rows(weight("indexer.wq_b.weight"), h * dim, (h + 1) * dim, latent);
                double[] query = NaiveProducts.hadamard(turned(q, t, 1));
                double w = NaiveProducts.row(weight("indexer.weights_proj.weight"), h, x)
                        / Math.sqrt((double) heads * dim);
                for (int j = 0; j < scores.length; j++) {
                    scores[j] += w * Math.max(0, NaiveProducts.dot(query, indexKeys[j]));
                }
            }
            chosen.sort((a, b) -> scores[a] == scores[b] ? a - b : Double.compare(scores[b], scores[a]));
            return chosen.subList(0, Math.min(k, chosen.size()));
        }
        return chosen;
    }

    /** The output of all heads before projection, turned back by the query's position. */
    private double[] attended(double[] latent, int t, List<double[]> keys) {
        double[] mixed = new double[head.heads() * head.head()];
        for (int h = 0; h < head.heads(); h++) {
            double[] q = NaiveProducts.rows(weight("wq_b.weight"), h * head.head(), (h + 1) * head.head(), latent);
            double[] query = turned(
                    head.queryNorm() == SharedHeadConfig.QueryNorm.PER_HEAD
                            ? NaiveProducts.rmsNorm(q, head.normEps())
                            : q,
                    t,
                    1);
            double[] logits = new double[keys.size()];
            double sink = weight("attn_sink")[h];
            double peak = sink;
            for (int j = 0; j < logits.length; j++) {
                logits[j] = NaiveProducts.dot(query, keys.get(j)) / Math.sqrt(head.head());
                peak = Math.max(peak, logits[j]);
            }
            double sum = Math.exp(sink - peak);
            double[] value = new double[head.head()];
            for (int j = 0; j < logits.length; j++) {
                double p = Math.exp(logits[j] - peak);
                sum += p;
                for (int c = 0; c < value.length; c++) {
                    value[c] += p * keys.get(j)[c];
                }
            }
            for (int c = 0; c < value.length; c++) {
                value[c] /= sum;
            }
            System.arraycopy(turned(value, t, -1), 0, mixed, h * head.head(), value.length);
        }
        return mixed;
    }

    /** Each group of heads through rows of the first product of its own, all through the second. */
    private double[] projected(double[] mixed) {
        int share = mixed.length / head.groups();
        double[] joined = new double[head.groups() * head.outputRank()];
        for (int g = 0; g < head.groups(); g++) {
            double[] part = new double[share];
            System.arraycopy(mixed, g * share, part, 0, share);
            for (int r = 0; r < head.outputRank(); r++) {
                joined[g * head.outputRank() + r] =
                        NaiveProducts.row(weight("wo_a.weight"), g * head.outputRank() + r, part);
            }
        }
        return NaiveProducts.times(weight("wo_b.weight"), joined);
    }

    private double[] turned(double[] x, int position, int direction) {
        return NaiveProducts.rotated(x, position, frequencies, direction);
    }

    private double[] weight(String name) {
        double[] weight = weights.get(name);
        if (weight == null) {
            throw new IllegalArgumentException("naive compressed attention: no weight " + name);
        }
        return weight;
    }
}
