package org.filigree.attention.compressed;

import java.util.ArrayList;
import java.util.List;
import org.filigree.attention.TopBlocks;
import org.filigree.attention.compressed.SourceLinks.Candidates;

/**
 * Which layers of a model make compressed entries, index keys, choices and candidates, and so what every other layer reads: the nearest
 * source at or before it (DeepSeek-V4.1).
 *
 * @param ratios of compression, one for each layer, 0 for a layer that has its window alone
 * @param entrySources layers that make entries, ascending
 * @param indexSources layers that choose among entries; those that make entries too make index keys of them
 * @param candidateSource layer that publishes candidates for all index sources behind it; −1 for none
 * @param candidates how candidates are chosen
 */
public record SourcePattern(
        List<Integer> ratios,
        List<Integer> entrySources,
        List<Integer> indexSources,
        int candidateSource,
        TopBlocks candidates) {
    /** Copies the lists; checks that every layer finds its sources. */
    public SourcePattern {
        ratios = List.copyOf(ratios);
        entrySources = List.copyOf(entrySources);
        indexSources = List.copyOf(indexSources);
        var wrong = new ArrayList<String>();
        for (int layer = 0; layer < ratios.size(); layer++) {
            if (ratios.get(layer) > 0) {
                check(layer, ratios, entrySources, indexSources, wrong);
            }
        }
        if (candidateSource >= 0 && !indexSources.contains(candidateSource)) {
            wrong.add("layer " + candidateSource + " shall publish candidates but is no index source");
        }
        if (!wrong.isEmpty()) {
            throw new IllegalArgumentException("source pattern: " + String.join("; ", wrong));
        }
    }

    private static void check(
            int layer, List<Integer> ratios, List<Integer> entries, List<Integer> indexes, List<String> wrong) {
        int maker = nearest(layer, entries);
        int chooser = nearest(layer, indexes);
        if (maker < 0 || chooser < 0) {
            wrong.add("layer " + layer + " of ratio " + ratios.get(layer) + " has no " + (maker < 0 ? "entry" : "index")
                    + " source at or before it");
        } else if (!ratios.get(maker).equals(ratios.get(layer))
                || !ratios.get(chooser).equals(ratios.get(layer))) {
            wrong.add("layer " + layer + " of ratio " + ratios.get(layer) + " reads entries of layer " + maker
                    + " of ratio " + ratios.get(maker) + " and choices of layer " + chooser + " of ratio "
                    + ratios.get(chooser));
        } else if (indexes.contains(layer)
                && nearest(layer, entries.stream().filter(indexes::contains).toList()) != maker) {
            wrong.add("layer " + layer + " chooses among entries of layer " + maker
                    + ", which is no index source and makes no index keys");
        }
    }

    /** {@return the pattern of DeepSeek-V4.1 Flash: 40 layers} */
    public static SourcePattern deepSeekV41Flash() {
        var ratios = new ArrayList<Integer>();
        for (int layer = 0; layer < 40; layer++) {
            ratios.add(layer < 2 ? 0 : layer < 20 ? 2 : 1);
        }
        return new SourcePattern(
                ratios, List.of(2, 8, 14, 20), List.of(2, 8, 14, 20, 24, 28, 32, 36), 20, TopBlocks.byBest(2048, 8));
    }

    /**
     * What a layer reads, and from where.
     *
     * @param layer its number
     * @return its links
     */
    public SourceLinks links(int layer) {
        return new SourceLinks(
                layer,
                nearest(layer, entrySources),
                nearest(
                        layer,
                        entrySources.stream().filter(indexSources::contains).toList()),
                nearest(layer, indexSources),
                candidateSource < 0 || layer < candidateSource
                        ? new Candidates.All()
                        : layer == candidateSource
                                ? new Candidates.Published(candidates)
                                : new Candidates.Of(candidateSource));
    }

    /** The last source at or before a layer, −1 if there is none. */
    private static int nearest(int layer, List<Integer> sources) {
        return sources.stream()
                .filter(source -> source <= layer)
                .mapToInt(Integer::intValue)
                .max()
                .orElse(-1);
    }
}
