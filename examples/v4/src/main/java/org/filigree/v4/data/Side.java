package org.filigree.v4.data;

/** The two sides of a split. */
public enum Side {
    /** Files that a model learns from. */
    TRAIN,
    /** Files held out, on which it is measured. */
    VALIDATION
}
