/** Training of the assemblies on source code, with evaluation, checkpoints and a report. */
@NullMarked
package org.filigree.v4.train;

import org.jspecify.annotations.NullMarked;
