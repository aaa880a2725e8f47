package org.filigree.attention.compressed;

import java.util.List;
import java.util.Map;

/**
 * What all layers of the V4 family do, as plain loops in double precision: keys of single tokens, compressed queries, attention to given
 * keys with sinks, grouped output. Weights by their released names, row-major.
 */
final class NaiveSharedHead {
    private final SharedHeadConfig head;
    private final int window;
    private final float[] frequencies;
    private final Map<String, double[]> weights;

    NaiveSharedHead(SharedHeadConfig head, int window, float[] frequencies, Map<String, double[]> weights) {
        this.head = head;
        this.window = window;
        this.frequencies = frequencies;
        this.weights = weights;
    }

    /** The key of each token. */
    double[][] keys(double[][] x) {
        double[][] keys = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] key = NaiveProducts.times(weight("wkv.weight"), x[t]);
            keys[t] = turned(NaiveProducts.rmsNorm(key, weight("kv_norm.weight"), head.normEps()), t, 1);
        }
        return keys;
    }

    /** The keys that token t sees one by one. */
    List<double[]> window(double[][] keys, int t) {
        return List.of(keys).subList(Math.max(0, t - window + 1), t + 1);
    }

    double[] queryLatent(double[] x) {
        return NaiveProducts.rmsNorm(
                NaiveProducts.times(weight("wq_a.weight"), x), weight("q_norm.weight"), head.normEps());
    }

    /** Entries without position from the weights under a path. */
    double[][] latents(String path, Compression compression, double[][] x) {
        return latents(path, compression, x, NaiveStore.EXACT, CompressedAttention.ROWS);
    }

    /** Entries without position from the weights under a path, pooled from rows that are stored as some part. */
    double[][] latents(String path, Compression compression, double[][] x, NaiveStore store, String part) {
        var compressor = new NaiveCompressor.Weights(
                weight(path + "wkv.weight"),
                weights.getOrDefault(path + "wgate.weight", new double[0]),
                weights.getOrDefault(path + "ape", new double[0]),
                weight(path + "norm.weight"));
        double[][] rows = store.stored(part, NaiveCompressor.rows(x, compression, compressor));
        return NaiveCompressor.entries(rows, compression, compressor, head.normEps());
    }

    /** The output of the query at position t over some keys. */
    double[] output(double[] latent, int t, List<double[]> keys) {
        return projected(attended(latent, t, keys));
    }

    /** All heads before projection, turned back by the query's position. */
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

    /**
     * Scores of the first entries by an indexer: Σ_h w_h·max(0, q_h·k), w scaled by (heads·dim)^−½.
     *
     * <p>With a Hadamard transform of the queries, the keys must have had it too.
     */
    double[] scores(double[] x, double[] latent, int t, Asking asking, List<double[]> keys) {
        double[] scores = new double[keys.size()];
        for (int h = 0; h < asking.heads; h++) {
            double[] q =
                    NaiveProducts.rows(weight("indexer.wq_b.weight"), h * asking.dim, (h + 1) * asking.dim, latent);
            double[] query =
                    asking.transform == Transform.HADAMARD ? NaiveProducts.hadamard(turned(q, t, 1)) : turned(q, t, 1);
            double w = NaiveProducts.row(weight("indexer.weights_proj.weight"), h, x)
                    / Math.sqrt((double) asking.heads * asking.dim);
            for (int j = 0; j < scores.length; j++) {
                scores[j] += w * Math.max(0, NaiveProducts.dot(query, keys.get(j)));
            }
        }
        return scores;
    }

    enum Transform {
        HADAMARD,
        NONE
    }

    record Asking(int heads, int dim, Transform transform) {}

    double[] turned(double[] x, int position, int direction) {
        return NaiveProducts.rotated(x, position, frequencies, direction);
    }

    double[] weight(String name) {
        double[] weight = weights.get(name);
        if (weight == null) {
            throw new IllegalArgumentException("naive attention: no weight " + name);
        }
        return weight;
    }
}
