/** Experiments that vary one part of a reference assembly at equal budget, and their reports. */
@NullMarked
package org.filigree.ablation;

import org.jspecify.annotations.NullMarked;
