/** Tensors as data: shape, element type and the storage that a backend keeps; no arithmetic. */
@NullMarked
package org.filigree.core.tensor;

import org.jspecify.annotations.NullMarked;
