package org.filigree.attention;

import java.util.List;
import org.filigree.kvcache.BFloat16Rows;
import org.filigree.kvcache.Float32Rows;
import org.filigree.kvcache.RowFormat;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;
import org.filigree.kvcache.TiledRows;
import org.filigree.kvcache.TiledRows.Code;
import org.filigree.kvcache.TiledRows.Placement;
import org.filigree.kvcache.TiledRows.Scale;
import org.filigree.kvcache.TiledRows.ScaleRule;

/**
 * How keys are stored, and how much of a key is its value.
 *
 * @param name for messages
 * @param storage of a key
 * @param valueWidth first channels of a key that are its value
 */
record CachedLayout(String name, RowStorage storage, int valueWidth) {
    private static final RowLayout RELEASED = RowLayout.of("latent", 512).with("rotary", 64);

    /** The released layouts at their widths. */
    static List<CachedLayout> released() {
        return List.of(
                new CachedLayout("float32", RowStorage.float32(RELEASED), 512),
                new CachedLayout("bfloat16", RowStorage.bfloat16(RELEASED), 512),
                latent("V32_FP8Sparse", TiledRows.V32_FP8_SPARSE),
                latent("V32_FP8Sparse of FlashMLA", TiledRows.V32_FP8_SPARSE.withRule(ScaleRule.FLASH_MLA)),
                shared("MODEL1_FP8Sparse", TiledRows.MODEL1_FP8_SPARSE),
                shared("V41 FP8", TiledRows.V41_FP8),
                shared("V41 FP4", TiledRows.V41_FP4),
                shared("FP8 index keys", TiledRows.fp8IndexKeys(128)),
                shared("FP4 index keys", TiledRows.fp4IndexKeys(64)));
    }

    /** The same kinds in small widths: such as vectors take, and such as they do not. */
    static List<CachedLayout> small() {
        RowLayout layout = RowLayout.of("latent", 64).with("rotary", 16);
        RowLayout odd = RowLayout.of("latent", 5).with("rotary", 2);
        return List.of(
                new CachedLayout("float32 64 + 16", RowStorage.float32(layout), 64),
                new CachedLayout("float32 5 + 2", RowStorage.float32(odd), 5),
                new CachedLayout("bfloat16 64 + 16", RowStorage.bfloat16(layout), 64),
                new CachedLayout("bfloat16 5 + 2", RowStorage.bfloat16(odd), 7),
                new CachedLayout(
                        "bfloat16 7 in one plane",
                        new RowStorage(List.of(new RowStorage.Plane(odd.parts(), new BFloat16Rows(7)))),
                        5),
                new CachedLayout(
                        "float32 latent, bfloat16 rotary",
                        RowStorage.float32(layout).with(new BFloat16Rows(16), "rotary"),
                        64),
                latent("V32 kind", tiled(64, 16, 16, Code.E4M3, Scale.FLOAT32, Placement.IN_ROW, 1)),
                latent("V32 kind, tiles of 3", tiled(9, 2, 3, Code.E4M3, Scale.FLOAT32, Placement.IN_ROW, 1)),
                shared("MODEL1 kind", tiled(48, 16, 16, Code.E4M3, Scale.E8M0, Placement.BEHIND_ROWS, 96)),
                shared("MODEL1 kind, tiles of 8", tiled(24, 4, 8, Code.E4M3, Scale.E8M0, Placement.BEHIND_ROWS, 48)),
                shared("V41 FP8 kind", tiled(64, 0, 32, Code.E4M3, Scale.E8M0, Placement.BEHIND_ROWS, 64)),
                shared("V41 FP4 kind", tiled(64, 0, 16, Code.E2M1, Scale.E4M3, Placement.BEHIND_ROWS, 32)),
                shared("V41 FP4 kind, tiles of 6", tiled(18, 0, 6, Code.E2M1, Scale.E4M3, Placement.BEHIND_ROWS, 8)),
                shared("one number", new Float32Rows(1)));
    }

    private static TiledRows tiled(
            int coded, int rotary, int tile, Code code, Scale scale, Placement placement, int alignment) {
        return new TiledRows(coded, rotary, tile, code, scale, placement, alignment, ScaleRule.MODEL);
    }

    /** Latent and rotary key in one plane, the value without the rotary key. */
    private static CachedLayout latent(String name, TiledRows format) {
        RowLayout layout = RowLayout.of("latent", format.coded()).with("rotary", format.rotary());
        return new CachedLayout(
                name, new RowStorage(List.of(new RowStorage.Plane(layout.parts(), format))), format.coded());
    }

    /** A key that is the value altogether. */
    private static CachedLayout shared(String name, RowFormat format) {
        RowLayout layout = RowLayout.of("key", format.width());
        return new CachedLayout(
                name, new RowStorage(List.of(new RowStorage.Plane(layout.parts(), format))), format.width());
    }

    int width() {
        return storage.layout().width();
    }

    String[] parts() {
        return storage.layout().parts().stream().map(RowLayout.Part::name).toArray(String[]::new);
    }

    @Override
    public String toString() {
        return name;
    }
}
