/** Optimisers, learning-rate schedules, clipping and accumulation of gradients. */
@NullMarked
package org.filigree.core.optim;

import org.jspecify.annotations.NullMarked;
