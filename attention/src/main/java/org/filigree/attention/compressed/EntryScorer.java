package org.filigree.attention.compressed;

import static org.filigree.core.op.Reshape.insertAxis;

import org.filigree.attention.ScorerInput;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.nn.Rotary;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;

/**
 * Tells how much every query wants every compressed entry. Inputs arrive cut off the graph: the language-model loss gives a scorer no
 * gradient.
 */
public interface EntryScorer {
    /**
     * What it must know of each token until the token's runs are complete.
     *
     * @param x activations [batch, tokens, width]
     * @param start position of the first token
     * @return [batch, tokens, row width]
     */
    Tensor rows(Tensor x, int start);

    /**
     * Entries that a pass completes.
     *
     * @param latents of the layer, normalised, neither rotated nor rounded, [batch, entries, head]
     * @param rows the scorer's own, [batch, rows, row width], from {@link Compressor#firstRow} of the first entry on
     * @param first number of the first entry
     * @param angles rotation of each entry's position, that of its first token
     */
    record NewEntries(Tensor latents, Tensor rows, int first, Rotary.Table angles) {}

    /**
     * The scorer's own keys of new entries.
     *
     * @param entries what is known of them
     * @return [batch, entries, key width]
     */
    Tensor keys(NewEntries entries);

    /**
     * Scores of all entries, visible or not.
     *
     * @param input the tokens that ask
     * @param keys the scorer's own, [batch, entries, key width]
     * @return [batch, tokens, entries]
     */
    Tensor score(ScorerInput input, Tensor keys);

    /**
     * The same where the keys lie in a cache; scorers that need not widen all of them at once say how.
     *
     * @param input the tokens that ask, of one sequence
     * @param keys the scorer's own, rows of key width
     * @return [1, tokens, rows]
     */
    default Tensor score(ScorerInput input, CacheRows keys) {
        return score(input, insertAxis(keys.tensor(Backend.of(input.x())), 0));
    }

    /** {@return its parameters; a layer lists them under {@code indexer}} */
    ParameterMap parameters();
}
