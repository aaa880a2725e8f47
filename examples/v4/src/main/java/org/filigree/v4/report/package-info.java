/**
 * What a run leaves behind for people: metrics line by line, a table and a plot of them, a manifest of how they came
 * about, and a progress line meanwhile.
 */
@NullMarked
package org.filigree.v4.report;

import org.jspecify.annotations.NullMarked;
