/** Keeps the edges between modules, and between the layers of core, as the design draws them. */
@NullMarked
package org.filigree.v4.architecture;

import org.jspecify.annotations.NullMarked;
