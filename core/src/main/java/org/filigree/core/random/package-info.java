/**
 * Named, splittable, reproducible random streams. A stream is identified by its seed and the names it was forked by,
 * so adding a layer, a thread or a draw somewhere never changes what another stream yields.
 *
 * <p>The generator is Philox4x32-10: J. Salmon, M. Moraes, R. Dror, D. Shaw, <cite>Parallel random numbers: as easy
 * as 1, 2, 3</cite>, SC 2011.
 */
@NullMarked
package org.filigree.core.random;

import org.jspecify.annotations.NullMarked;
