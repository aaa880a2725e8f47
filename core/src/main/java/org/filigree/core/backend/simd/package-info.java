/**
 * Loops over arrays in vector instructions, for the fused kernels of the {@code vector} backend in whatever module they live: functions
 * with the same last bits on every machine, interpreted or compiled. They take and return arrays, never vectors; {@link
 * org.filigree.core.backend.simd.VectorMath} says why.
 */
@NullMarked
package org.filigree.core.backend.simd;

import org.jspecify.annotations.NullMarked;
