package org.filigree.attention.compressed;

import java.util.List;
import org.filigree.kvcache.RowFormat;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.TiledRows;

/**
 * How the caches of layers store what these leave: asked once for the rows of tokens and once for those of entries, where there are any. So
 * one storage serves all layers of a model, those without entries too. {@code RowStorage::float32} and {@code RowStorage::bfloat16} are such;
 * {@link #with} changes one part.
 */
@FunctionalInterface
public interface CacheStorage {
    /**
     * How rows are stored.
     *
     * @param rows what a row consists of, parts named by the constants of {@link CompressedAttention}
     * @return a storage of these parts in this order
     */
    RowStorage of(RowLayout rows);

    /**
     * This storage, but for one part, where a layer leaves it.
     *
     * @param format as wide as the part
     * @param part {@link CompressedAttention#WINDOW}, {@code ROWS}, {@code SCORER_ROWS}, {@code ENTRIES} or {@code SCORER_KEYS}
     * @return a new storage
     * @throws IllegalArgumentException if no layer calls a part so
     */
    default CacheStorage with(RowFormat format, String part) {
        List<String> parts = List.of(
                CompressedAttention.WINDOW,
                CompressedAttention.ROWS,
                CompressedAttention.SCORER_ROWS,
                CompressedAttention.ENTRIES,
                CompressedAttention.SCORER_KEYS);
        if (!parts.contains(part)) {
            throw new IllegalArgumentException(
                    "cache storage: no layer leaves a part '" + part + "'; name one of " + parts);
        }
        return rows -> rows.parts().stream().anyMatch(each -> each.name().equals(part))
                ? of(rows).with(format, part)
                : of(rows);
    }

    /**
     * As DeepSeek-V4 is served: keys of tokens and of entries in {@link TiledRows#MODEL1_FP8_SPARSE}, 584 bytes each, index keys in four bits, 68
     * bytes, and what runs are pooled from in float32. For layers of the released widths, heads of 512 and index keys of 128.
     *
     * @return the storage
     */
    static CacheStorage deepSeekV4() {
        return ofReleased(TiledRows.MODEL1_FP8_SPARSE, TiledRows.MODEL1_FP8_SPARSE);
    }

    /**
     * As DeepSeek-V4.1 is served: keys of tokens in {@link TiledRows#V41_FP8}, 528 bytes, of entries in {@link TiledRows#V41_FP4}, 288 bytes, index
     * keys in four bits, 68 bytes, and what runs are pooled from in float32. For layers of the released widths, heads of 512 and index keys of
     * 128.
     *
     * @return the storage
     */
    static CacheStorage deepSeekV41() {
        return ofReleased(TiledRows.V41_FP8, TiledRows.V41_FP4);
    }

    private static CacheStorage ofReleased(RowFormat window, RowFormat entries) {
        CacheStorage unrounded = RowStorage::float32;
        return unrounded
                .with(window, CompressedAttention.WINDOW)
                .with(entries, CompressedAttention.ENTRIES)
                .with(TiledRows.fp4IndexKeys(128), CompressedAttention.SCORER_KEYS);
    }
}
