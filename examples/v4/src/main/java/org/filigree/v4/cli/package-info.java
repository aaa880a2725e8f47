/** The {@code filigree} command line. */
@NullMarked
package org.filigree.v4.cli;

import org.jspecify.annotations.NullMarked;
