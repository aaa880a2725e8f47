package org.filigree.core.backend.vector;

/** What a product does with the values that its output holds already. */
enum Update {
    /** C = A·B; the old contents are never read. */
    OVERWRITE,
    /** C = C + A·B. */
    ACCUMULATE
}
