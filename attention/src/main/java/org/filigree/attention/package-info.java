/**
 * Attention for long contexts: multi-head latent attention (DeepSeek-V2, 2024, and V3) in its expanded and absorbed forms, and DeepSeek
 * sparse attention (V3.2, 2025) as three replaceable nouns, {@link org.filigree.attention.Scorer},
 * {@link org.filigree.attention.Selector} and {@link org.filigree.attention.SparseAttention}.
 *
 * <p>Dimension names: <i>batch</i> sequences; <i>tokens</i> queries of this pass; <i>keys</i> tokens that were ever seen, the queries'
 * own being the last of them; <i>heads</i>; <i>content</i>, <i>rotary</i> and <i>value</i> widths of one head; <i>latent</i> width of
 * what keys and values are compressed to; <i>chosen</i> keys for each query.
 */
@NullMarked
package org.filigree.attention;

import org.jspecify.annotations.NullMarked;
