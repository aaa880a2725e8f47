/** Differentiable operations, one file each, forward and backward together. */
@NullMarked
package org.filigree.core.op;

import org.jspecify.annotations.NullMarked;
