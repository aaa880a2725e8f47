/** Fused kernels that a backend may bring; where it brings none, the operation's composition runs. */
@NullMarked
package org.filigree.core.backend.kernel;

import org.jspecify.annotations.NullMarked;
