/**
 * Mixture of experts as in DeepSeek-V3 and V4 (arXiv 2412.19437): each token is sent to the k experts that a router scores highest,
 * beside experts that all tokens share; dropless, balanced by a bias that only the choice sees.
 */
@NullMarked
package org.filigree.moe;

import org.jspecify.annotations.NullMarked;
