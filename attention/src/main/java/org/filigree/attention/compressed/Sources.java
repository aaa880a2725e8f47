package org.filigree.attention.compressed;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Tensor;

/**
 * What the layers of a model hand on to later layers of the same pass: compressed entries, index keys, chosen entries, candidates. A
 * source publishes in every pass, under its own number, whether or not the pass completed a run; so every layer reads what its own source
 * made of all tokens so far, and decoding equals prefill.
 *
 * <p>Make one for each pass and put it into the {@link Context} under {@link #KEY}. Not for several threads at once.
 */
public final class Sources {
    /** Where a layer looks for it. */
    public static final Context.Key<Sources> KEY = new Context.Key<>("attention sources", Sources.class);

    private final Map<Slot, Publication> publications = new HashMap<>();

    /** Nothing published yet. */
    public Sources() {}

    /** What is published. */
    record Kind<T>(String name, Class<T> type) {
        static final Kind<EntryKeys> ENTRIES = new Kind<>("entries", EntryKeys.class);
        static final Kind<Tensor> CHOSEN = new Kind<>("choice", Tensor.class);
        static final Kind<CandidateBlocks> CANDIDATES = new Kind<>("candidates", CandidateBlocks.class);
        static final List<Kind<?>> ALL = List.of(ENTRIES, CHOSEN, CANDIDATES);
    }

    private record Slot(Kind<?> kind, int layer, int sequence) {}

    private record Publication(int start, int tokens, Object value) {}

    <T> void publish(Kind<T> kind, int layer, int sequence, SharedHead.Tokens tokens, T value) {
        publications.put(new Slot(kind, layer, sequence), new Publication(tokens.start(), tokens.count(), value));
    }

    <T> T read(Kind<T> kind, int layer, int sequence, SharedHead.Tokens tokens) {
        Publication found = publications.get(new Slot(kind, layer, sequence));
        if (found == null) {
            throw new IllegalStateException("attention sources: layer " + layer + " published no "
                    + kind.name() + " of sequence " + sequence
                    + " in this pass; run the layers in their order with the same Sources in the context");
        }
        requireOf(tokens, layer, found);
        return kind.type().cast(found.value);
    }

    /** What a layer has published, if anything, is of these tokens: it is not the board of another pass. */
    void requireOfThisPass(int layer, int sequence, SharedHead.Tokens tokens) {
        for (Kind<?> kind : Kind.ALL) {
            Publication found = publications.get(new Slot(kind, layer, sequence));
            if (found != null) {
                requireOf(tokens, layer, found);
            }
        }
    }

    private static void requireOf(SharedHead.Tokens tokens, int layer, Publication found) {
        if (found.start != tokens.start() || found.tokens != tokens.count()) {
            throw new IllegalStateException("attention sources: what layer " + layer + " published belongs to tokens "
                    + found.start + " to " + (found.start + found.tokens - 1) + " but this pass has tokens "
                    + tokens.start() + " to " + (tokens.start() + tokens.count() - 1)
                    + "; make new Sources for each pass");
        }
    }
}
