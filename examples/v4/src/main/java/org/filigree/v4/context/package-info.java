/** What a step of sparse decoding costs as its context grows. */
@NullMarked
package org.filigree.v4.context;

import org.jspecify.annotations.NullMarked;
