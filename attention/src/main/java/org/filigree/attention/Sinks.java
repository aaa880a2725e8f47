package org.filigree.attention;

/** Whether every head has a sink: a learned logit that takes weight in the softmax and gives no value. */
public enum Sinks {
    /** Weights over the keys sum to 1. */
    NONE,
    /** One for each head, 0 at first; parameter {@code attn_sink}. */
    LEARNED
}
