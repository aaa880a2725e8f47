package org.filigree.attention.compressed;

import static org.filigree.core.op.Concat.concat;
import static org.filigree.core.op.Slice.split;

import java.util.List;
import org.filigree.attention.Rounding;
import org.filigree.core.io.Fp4Scale;
import org.filigree.core.tensor.Tensor;

/**
 * How the caches of released models would round keys, simulated after rotation: for training, and for passes without caches. A cache that
 * rounds ({@link CacheStorage}) needs no such.
 *
 * @param window of single tokens
 * @param entries of compressed entries
 * @param channels which channels are rounded
 */
public record KeyValueRounding(Rounding window, Rounding entries, Channels channels) {
    /** Which channels a cache rounds. */
    public enum Channels {
        /** Those that are not rotated: V4. */
        CONTENT,
        /** All: V4.1. */
        ALL
    }

    /** {@return keys stay as they are} */
    public static KeyValueRounding none() {
        return new KeyValueRounding(new Rounding.None(), new Rounding.None(), Channels.ALL);
    }

    /** {@return E4M3 in groups of 64 over the channels that are not rotated} */
    public static KeyValueRounding deepSeekV4() {
        return new KeyValueRounding(Rounding.Fp8.of(64), Rounding.Fp8.of(64), Channels.CONTENT);
    }

    /** {@return E4M3 in groups of 32 for the window, E2M1 with E4M3 scales in groups of 16 for entries, over all channels} */
    public static KeyValueRounding deepSeekV41() {
        return new KeyValueRounding(Rounding.Fp8.of(32), new Rounding.Fp4(Fp4Scale.E4M3), Channels.ALL);
    }

    Tensor ofWindow(Tensor keys, int rotary) {
        return round(window, keys, rotary);
    }

    Tensor ofEntries(Tensor keys, int rotary) {
        return round(entries, keys, rotary);
    }

    private Tensor round(Rounding rounding, Tensor keys, int rotary) {
        int content = keys.dim(-1) - rotary;
        if (rounding instanceof Rounding.None || keys.shape().size() == 0) {
            return keys;
        }
        if (channels == Channels.ALL) {
            return rounding.round(keys);
        }
        if (content == 0) {
            return keys;
        }
        List<Tensor> parts = split(keys, -1, content, rotary);
        return concat(-1, rounding.round(parts.get(0)), parts.get(1));
    }
}
