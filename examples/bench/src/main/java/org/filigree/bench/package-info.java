/** Tables of measurements: each row is one piece of work, done by Filigree and by a peer in turns, as ratios. */
@NullMarked
package org.filigree.bench;

import org.jspecify.annotations.NullMarked;
