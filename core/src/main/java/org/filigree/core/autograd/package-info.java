/** Reverse-mode automatic differentiation over tensors. */
@NullMarked
package org.filigree.core.autograd;

import org.jspecify.annotations.NullMarked;
