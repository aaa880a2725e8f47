package org.filigree.attention;

/** The two orders in which latent attention can be computed; they give the same values and gradients up to rounding. */
public enum LatentForm {
    /** Keys and values of every head are made from the latents, then attended to: fewer operations for many queries. */
    EXPANDED,
    /** Queries are taken into the latent space, where all heads share one key and value: fewer operations for few queries. */
    ABSORBED,
    /** Whichever should be faster for the numbers of queries, keys and chosen keys at hand. */
    CHEAPER
}
