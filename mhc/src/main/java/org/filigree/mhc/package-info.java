/**
 * Hyper-connections (Zhu et al., 2024, arXiv 2409.19606) and their manifold-constrained form mHC (DeepSeek, 2025, arXiv 2512.24880)
 * as released with DeepSeek-V4. The residual stream becomes n streams; every sub-layer reads a weighted sum of them, writes to all
 * of them, and mixes them by a matrix that mHC keeps doubly stochastic, so that depth neither amplifies nor forgets.
 */
@NullMarked
package org.filigree.mhc;

import org.jspecify.annotations.NullMarked;
