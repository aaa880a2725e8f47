package org.filigree.v4.report;

/**
 * A level to compare a curve with.
 *
 * @param name        what reaches it, for example {@code byte bigram}
 * @param bitsPerByte the level
 */
public record ReferenceLine(String name, double bitsPerByte) {}
