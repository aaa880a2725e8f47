/**
 * Engram, a conditional memory: every position looks rows up in a large table by hashes of the last few token ids, and gates them
 * into the residual streams by how well they fit the context (Cheng et al., "Conditional Memory via Scalable Lookup", 2026, and
 * its form in DeepSeek-V4.1). Row numbers depend on token ids alone, so they are known before the model computes anything.
 *
 * <p>Dimension names: batch; tokens; streams, the residual streams of hyper-connections; width, the hidden width; columns, one for
 * each order of n-gram and each hash head of it, orders outermost; head width, the width of one table row.
 */
@NullMarked
package org.filigree.engram;

import org.jspecify.annotations.NullMarked;
