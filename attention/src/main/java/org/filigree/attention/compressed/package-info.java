/**
 * Attention over a sliding window of single tokens and compressed entries that stand for runs of tokens: CSA and HCA of DeepSeek-V4,
 * CSA2 of V4.1, and a hierarchy over very long texts.
 *
 * <p>Dimensions: {@code tokens} of the pass at hand, {@code entries} compressed keys, {@code head} channels of a head. All heads
 * share one key, which is also the value.
 */
@NullMarked
package org.filigree.attention.compressed;

import org.jspecify.annotations.NullMarked;
