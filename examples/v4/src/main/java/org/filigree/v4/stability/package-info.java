/** How stable deep stacks are: plain residual against unconstrained and manifold-constrained hyper-connections, measured and plotted. */
@NullMarked
package org.filigree.v4.stability;

import org.jspecify.annotations.NullMarked;
