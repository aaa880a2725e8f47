package org.filigree.core.tensor;

/** How a tensor came to be, opaque here: automatic differentiation fills it in and reads it. */
public interface Lineage {}
