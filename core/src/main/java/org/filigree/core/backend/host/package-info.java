/** Storage in Java arrays and the plain loops that every host backend shares. */
@NullMarked
package org.filigree.core.backend.host;

import org.jspecify.annotations.NullMarked;
