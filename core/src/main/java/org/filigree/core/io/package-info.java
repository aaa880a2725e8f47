/**
 * Numbers on disk: storage formats with their exact roundings, block-scaled quantisation, the safetensors file format
 * (read memory-mapped, written atomically, sharded with an index) and atomic file replacement.
 *
 * <p>Nothing here knows about tensors or backends: what is read is a {@link org.filigree.core.io.StoredTensor}, a
 * name, a type, a shape and the bytes.
 */
@NullMarked
package org.filigree.core.io;

import org.jspecify.annotations.NullMarked;
