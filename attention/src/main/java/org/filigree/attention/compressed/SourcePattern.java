package org.filigree.attention.compressed;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import org.filigree.attention.TopBlocks;
import org.filigree.attention.compressed.SourceLinks.Candidates;

/**
 * Which layers of a model make compressed entries, index keys, choices and candidates, and so what every other layer reads: the nearest
 * source at or before it (DeepSeek-V4.1). A layer that makes entries but does not choose leaves index keys and choices in place; a layer
 * of ratio 0 reads nothing and, though it be named a source, makes nothing.
 *
 * <p>Layers need not share a ratio: one of ratio r takes the first ⌊length/r⌋ of the entries, index keys or scores that it reads. So its
 * sources of entries and index keys may have smaller ratios, which give it enough, and what it takes its choice from a larger one, which
 * names no entry that it has not.
 *
 * @param ratios of compression, one for each layer, 0 for a layer that has its window alone
 * @param entrySources layers that make entries
 * @param indexSources layers that choose among entries; those that make entries too make index keys of them
 * @param candidateSource layer that publishes candidates for all index sources behind it, which have its ratio; −1 for none
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
        List<String> wrong = new Readers(ratios, entrySources, indexSources).contradictions(candidateSource);
        if (!wrong.isEmpty()) {
            throw new IllegalArgumentException("source pattern: " + String.join("; ", wrong));
        }
    }

    /** Who reads whom, before candidates. */
    private record Readers(List<Integer> ratios, List<Integer> entrySources, List<Integer> indexSources) {
        int entries(int layer) {
            return nearest(layer, entrySources::contains);
        }

        int chosen(int layer) {
            return nearest(layer, indexSources::contains);
        }

        int indexKeys(int layer) {
            return nearest(layer, source -> entrySources.contains(source) && indexSources.contains(source));
        }

        boolean chooses(int layer) {
            return layer < ratios.size() && ratios.get(layer) > 0 && indexSources.contains(layer);
        }

        /** The last such layer of ratio above 0 at or before a layer, −1 if there is none. */
        private int nearest(int layer, IntPredicate source) {
            int found = layer;
            while (found >= 0 && (ratios.get(found) == 0 || !source.test(found))) {
                found--;
            }
            return found;
        }

        List<String> contradictions(int candidateSource) {
            var wrong = new ArrayList<String>();
            for (int layer = 0; layer < ratios.size(); layer++) {
                if (ratios.get(layer) > 0) {
                    check(layer, wrong);
                }
            }
            if (candidateSource < 0) {
                return wrong;
            }
            if (!chooses(candidateSource)) {
                wrong.add("layer " + candidateSource
                        + " shall publish candidates but is no index source of a ratio above 0");
                return wrong;
            }
            for (int layer = candidateSource + 1; layer < ratios.size(); layer++) {
                if (chooses(layer) && !ratios.get(layer).equals(ratios.get(candidateSource))) {
                    wrong.add(named(layer) + " chooses among candidates of " + named(candidateSource)
                            + "; give both the same ratio");
                }
            }
            return wrong;
        }

        private void check(int layer, List<String> wrong) {
            int maker = entries(layer);
            int chooser = chosen(layer);
            if (maker < 0 || chooser < 0) {
                wrong.add(named(layer) + " has no " + (maker < 0 ? "entry" : "index") + " source at or before it");
                return;
            }
            if (ratios.get(maker) > ratios.get(layer)) {
                wrong.add(named(layer) + " reads entries of " + named(maker) + ", which makes fewer than it sees");
            }
            if (ratios.get(chooser) < ratios.get(layer)) {
                wrong.add(named(layer) + " takes choices of " + named(chooser) + ", which name more than it sees");
            }
            if (chooser == layer) {
                int keys = indexKeys(layer);
                if (keys < 0) {
                    wrong.add(named(layer) + " chooses among entries of layer " + maker + " but no layer at or before"
                            + " it makes index keys, as entry sources do that are index sources too");
                } else if (ratios.get(keys) > ratios.get(layer)) {
                    wrong.add(
                            named(layer) + " scores index keys of " + named(keys) + ", which makes fewer than it sees");
                }
            }
        }

        private String named(int layer) {
            return "layer " + layer + " of ratio " + ratios.get(layer);
        }
    }

    /**
     * The first of neighbouring layers of one ratio makes entries, index keys and choices, and the others read them; nothing restricts
     * choices.
     *
     * @param ratios of compression, one for each layer, 0 for a layer that has its window alone
     * @return the pattern
     */
    public static SourcePattern ofRatios(int... ratios) {
        var sources = new ArrayList<Integer>();
        for (int layer = 0; layer < ratios.length; layer++) {
            if (ratios[layer] > 0 && (layer == 0 || ratios[layer - 1] != ratios[layer])) {
                sources.add(layer);
            }
        }
        return new SourcePattern(Arrays.stream(ratios).boxed().toList(), sources, sources, -1, TopBlocks.byBest(1, 1));
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
        var readers = new Readers(ratios, entrySources, indexSources);
        return new SourceLinks(
                layer,
                readers.entries(layer),
                readers.indexKeys(layer),
                readers.chosen(layer),
                candidateSource < 0 || layer < candidateSource
                        ? new Candidates.All()
                        : layer == candidateSource
                                ? new Candidates.Published(candidates)
                                : new Candidates.Of(candidateSource));
    }
}
