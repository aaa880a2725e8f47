package org.filigree.core.backend;

/**
 * A computation that a backend does in one go where the operation would otherwise compose several, with its own backward where
 * training needs one. Extend it by an interface with the forward and gradient methods; an operation or block asks for it through
 * {@link Backend#kernel} and runs its composition where it is absent.
 */
public interface FusedKernel {}
