/**
 * What the tests of every module share: the backends that must be there, operands, tolerances, gradients by central differences,
 * the operation suite that every backend passes, and the conformance cases.
 */
@NullMarked
package org.filigree.core.testkit;

import org.jspecify.annotations.NullMarked;
