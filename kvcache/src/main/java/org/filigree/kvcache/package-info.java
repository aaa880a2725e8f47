/**
 * Key-value caches for incremental decoding. A {@link org.filigree.kvcache.KvCache} holds the rows of one sequence in one layer, a
 * {@link org.filigree.kvcache.SequenceCache} those of one sequence in all layers, and a {@link org.filigree.kvcache.CacheBatch} hands a
 * layer one cache for every sequence of its batch. What a row consists of is a {@link org.filigree.kvcache.RowLayout}, and how it is stored a
 * {@link org.filigree.kvcache.RowStorage}, so that latent attention, its indexer and whatever comes later share one contract. Kernels read
 * rows where they lie, through {@link org.filigree.kvcache.CacheRows}.
 */
@NullMarked
package org.filigree.kvcache;

import org.jspecify.annotations.NullMarked;
