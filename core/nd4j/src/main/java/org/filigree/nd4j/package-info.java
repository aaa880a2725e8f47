/** The {@code nd4j} backend: float32 tensors in ND4J arrays, on the CPU or on whatever device ND4J was brought for. */
@NullMarked
package org.filigree.nd4j;

import org.jspecify.annotations.NullMarked;
