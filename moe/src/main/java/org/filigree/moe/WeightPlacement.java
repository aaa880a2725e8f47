package org.filigree.moe;

/** Where an expert's routing weight is multiplied in. Equal but for rounding, and for what activation quantisation before w2 sees. */
public enum WeightPlacement {
    /** Before the down projection w2: DeepSeek-V4. */
    BEFORE_DOWN,
    /** After the down projection w2: DeepSeek-V3. */
    AFTER_DOWN
}
