package org.filigree.v4.data;

/**
 * The beginning of something in a held-out file, for a model to continue.
 *
 * @param path         the file
 * @param prompt       text to continue; ends with a line break where it holds one
 * @param continuation what the file goes on with, to compare
 */
public record CompletionPrompt(String path, String prompt, String continuation) {}
