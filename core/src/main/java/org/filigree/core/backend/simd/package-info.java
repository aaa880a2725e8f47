/**
 * Loops over arrays in vector instructions, for the fused kernels of the {@code vector} backend in whatever module they live. They give the
 * same last bits interpreted or compiled. What is done element by element (exponentials, logarithms, sigmoids) gives them on every machine;
 * sums add in an order that follows from the machine's vector width. But for {@link org.filigree.core.backend.simd.VectorMath#sum}, the last
 * step of a loop's sums, they take and return arrays, never vectors; {@link org.filigree.core.backend.simd.VectorMath} says why.
 */
@NullMarked
package org.filigree.core.backend.simd;

import org.jspecify.annotations.NullMarked;
