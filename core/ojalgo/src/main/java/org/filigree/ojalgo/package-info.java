/** The {@code ojalgo} backend: tensors of float64 in Java arrays, matrix products by ojAlgo. */
@NullMarked
package org.filigree.ojalgo;

import org.jspecify.annotations.NullMarked;
