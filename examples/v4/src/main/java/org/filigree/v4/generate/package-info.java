/** Text from a trained model, token by token. */
@NullMarked
package org.filigree.v4.generate;

import org.jspecify.annotations.NullMarked;
