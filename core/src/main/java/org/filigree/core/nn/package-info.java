/** Layers, parameters and initialisers. */
@NullMarked
package org.filigree.core.nn;

import org.jspecify.annotations.NullMarked;
