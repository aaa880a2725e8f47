/**
 * Byte n-gram models: what a network of any size has to beat before its loss means something.
 *
 * <p>They learn from the training side of a split and are measured on the same windows, with the same context and on
 * the same targets as the network.
 */
@NullMarked
package org.filigree.v4.baseline;

import org.jspecify.annotations.NullMarked;
