/** The {@code scalar} backend: plain loops, the oracle and the fallback. */
@NullMarked
package org.filigree.core.backend.scalar;

import org.jspecify.annotations.NullMarked;
