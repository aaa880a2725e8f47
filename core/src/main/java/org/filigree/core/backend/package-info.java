/** The one pluggable seam: what a backend must do, how one is chosen at run time, and how fused kernels are found. */
@NullMarked
package org.filigree.core.backend;

import org.jspecify.annotations.NullMarked;
