/** The {@code vector} backend: kernels on {@code jdk.incubator.vector}, on several threads. */
@NullMarked
package org.filigree.core.backend.vector;

import org.jspecify.annotations.NullMarked;
