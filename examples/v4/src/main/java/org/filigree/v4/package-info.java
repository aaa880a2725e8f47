/** The predicted DeepSeek-V4, assembled from Filigree's blocks: configuration, cost, model and checkpoints. */
@NullMarked
package org.filigree.v4;

import org.jspecify.annotations.NullMarked;
