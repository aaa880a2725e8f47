/**
 * Source code as training text: reading a corpus, splitting it by path, and cutting it into windows of byte tokens.
 *
 * <p>Every choice in this package (which files, which side of the split, which window at which step, where the middle is
 * cut out) is a pure function of file paths, a seed and a step number. Nothing depends on directory order, on the
 * machine or on what was drawn before, so a run that resumes at step <i>n</i> sees what an uninterrupted run would see.
 */
@NullMarked
package org.filigree.v4.data;

import org.jspecify.annotations.NullMarked;
