package org.filigree.attention.compressed;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.filigree.attention.TopBlocks;
import org.filigree.attention.compressed.SourceLinks.Candidates;

/** The attention layers of DeepSeek-V4.1 as plain loops in double precision, for one sequence seen at once, first layer first. */
final class NaiveSourcedAttention {
    private final NaiveStore store;

    /** By number of the layer that made them. */
    private final List<double[][]> entries = new ArrayList<>();

    private final List<double[][]> indexKeys = new ArrayList<>();
    private final List<List<List<Integer>>> choices = new ArrayList<>();
    private final List<boolean[][]> candidates = new ArrayList<>();

    NaiveSourcedAttention() {
        this(NaiveStore.EXACT);
    }

    NaiveSourcedAttention(NaiveStore store) {
        this.store = store;
    }

    /** The next layer: x [tokens][width] to the same shape. */
    double[][] forward(SourcedAttentionConfig config, Map<String, double[]> weights, double[][] x) {
        Compression compression = config.compression();
        float[] frequencies = config.rotary().of(compression).of(config.head().rotary());
        var head = new NaiveSharedHead(config.head(), config.window(), frequencies, weights);
        make(config, head, x);
        choices.add(new ArrayList<>());
        candidates.add(new boolean[x.length][]);
        double[][] window = store.stored(CompressedAttention.WINDOW, head.keys(x));
        double[][] output = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] latent = head.queryLatent(x[t]);
            var keys = new ArrayList<>(head.window(window, t));
            if (compression.ratio() > 0) {
                if (config.links().chooses()) {
                    choices.getLast().add(choose(config, head, x[t], latent, t));
                }
                for (int w : choices.get(config.links().chosen()).get(t)) {
                    keys.add(entries.get(config.links().entries())[w]);
                }
            }
            output[t] = head.output(latent, t, keys);
        }
        return output;
    }

    private void make(SourcedAttentionConfig config, NaiveSharedHead head, double[][] x) {
        int ratio = config.compression().ratio();
        boolean source = ratio > 0 && config.links().makesEntries();
        // An entry of one token is made at once, and nothing of it is stored before.
        NaiveStore ofRows = config.compression().gated() ? store : NaiveStore.EXACT;
        double[][] latents = source
                ? head.latents("compressor.", config.compression(), x, ofRows, CompressedAttention.ROWS)
                : new double[0][];
        double[][] own = new double[latents.length][];
        double[][] keys = new double[latents.length][];
        for (int w = 0; w < latents.length; w++) {
            own[w] = store.stored(CompressedAttention.ENTRIES, head.turned(latents[w], w * ratio, 1));
            if (config.links().makesIndexKeys()) {
                double[] key = NaiveProducts.times(head.weight("indexer.wk.weight"), latents[w]);
                double[] normed = NaiveProducts.rmsNorm(
                        key, head.weight("indexer.k_norm.weight"), config.head().normEps());
                keys[w] = store.stored(CompressedAttention.SCORER_KEYS, head.turned(normed, w * ratio, 1));
            }
        }
        entries.add(own);
        indexKeys.add(keys);
    }

    private List<Integer> choose(
            SourcedAttentionConfig config, NaiveSharedHead head, double[] x, double[] latent, int t) {
        int visible = config.compression().entries(t + 1);
        var asking = new NaiveSharedHead.Asking(
                config.indexer().heads(), config.indexer().dim(), NaiveSharedHead.Transform.NONE);
        double[] scores = head.scores(
                x,
                latent,
                t,
                asking,
                List.of(indexKeys.get(config.links().indexKeys())).subList(0, visible));
        if (config.links().candidates() instanceof Candidates.Published(TopBlocks blocks)) {
            candidates.getLast()[t] = inBestBlocks(scores, blocks);
        }
        if (config.links().candidates() instanceof Candidates.Of(int layer)) {
            for (int w = 0; w < visible; w++) {
                if (!candidates.get(layer)[t][w]) {
                    scores[w] = Double.NEGATIVE_INFINITY;
                }
            }
        }
        return NaiveProducts.best(scores, config.chosen());
    }

    /** Which visible entries lie in one of the best blocks; a block is worth its best entry, the newest is always among them. */
    private static boolean[] inBestBlocks(double[] scores, TopBlocks blocks) {
        double[] worth = new double[(scores.length + blocks.width() - 1) / blocks.width()];
        Arrays.fill(worth, Double.NEGATIVE_INFINITY);
        for (int w = 0; w < scores.length; w++) {
            worth[w / blocks.width()] = Math.max(worth[w / blocks.width()], scores[w]);
        }
        if (worth.length > 0) {
            worth[worth.length - 1] = Double.POSITIVE_INFINITY;
        }
        List<Integer> kept = NaiveProducts.best(worth, blocks.blocks());
        boolean[] inside = new boolean[scores.length];
        for (int w = 0; w < scores.length; w++) {
            inside[w] = kept.contains(w / blocks.width());
        }
        return inside;
    }
}
