package org.filigree.kvcache;

import org.filigree.core.io.BlockScale;
import org.filigree.core.io.Float4E2M1;
import org.filigree.core.io.Float8E4M3;
import org.filigree.core.io.Float8E8M0;
import org.filigree.core.io.ScaleRounding;
import org.filigree.core.tensor.Check;

/**
 * Rows whose first numbers are narrow codes with one scale for each tile of them, and whose last numbers, the rotated part of a key,
 * stay in bfloat16. The number in tile t is code · scale<sub>t</sub>, rounded to bfloat16. All released layouts are of this kind:
 *
 * <table>
 * <caption>Bytes of a row</caption>
 * <tr><th>layout</th><th>codes</th><th>scales</th><th>bf16</th><th>bytes</th></tr>
 * <tr><td>{@link #V32_FP8_SPARSE}</td><td>512 E4M3</td><td>4 float32, in the row</td><td>64</td><td>656</td></tr>
 * <tr><td>{@link #MODEL1_FP8_SPARSE}</td><td>448 E4M3</td><td>7 E8M0 and a pad byte, behind the rows</td><td>64</td><td>584</td></tr>
 * <tr><td>{@link #V41_FP8}</td><td>512 E4M3</td><td>16 E8M0, behind the rows</td><td>0</td><td>528</td></tr>
 * <tr><td>{@link #V41_FP4}</td><td>512 E2M1, low nibble first</td><td>32 E4M3, behind the rows</td><td>0</td><td>288</td></tr>
 * <tr><td>{@link #fp8IndexKeys}(128)</td><td>128 E4M3</td><td>1 float32, behind the rows</td><td>0</td><td>132</td></tr>
 * <tr><td>{@link #fp4IndexKeys}(128)</td><td>128 E2M1</td><td>4 E8M0, behind the rows</td><td>0</td><td>68</td></tr>
 * </table>
 *
 * <p>Other widths, a tiny model's say: {@link #fp8}.
 *
 * <p>Infinities are stored as the greatest code of their sign, a NaN as 0x7F in E4M3 and as the greatest positive code in E2M1, which has
 * none. A NaN does not count in the scale of its tile; an infinity counts as the greatest float, beside which most numbers become 0. Source: FlashMLA (V3.2, MODEL1), the V4.1 cache layouts as served, DeepGEMM (index
 * keys).
 *
 * @param coded how many numbers are codes, a multiple of {@code tile}
 * @param rotary how many numbers follow in bfloat16
 * @param tile numbers that share a scale
 * @param code format of the codes
 * @param scale format of the scales
 * @param placement where scales lie
 * @param pageAlignment pages begin at multiples of so many bytes
 * @param rule how a writer chooses a scale
 */
public record TiledRows(
        int coded, int rotary, int tile, Code code, Scale scale, Placement placement, int pageAlignment, ScaleRule rule)
        implements RowFormat {
    /** What a number becomes. */
    public enum Code {
        /** One byte, {@link Float8E4M3}. */
        E4M3(8),
        /** Half a byte, {@link Float4E2M1}; the even number in the low nibble. */
        E2M1(4);

        private final int bits;

        Code(int bits) {
            this.bits = bits;
        }

        int bytes(int numbers) {
            return numbers * bits / Byte.SIZE;
        }
    }

    /** What a scale is stored as: always the number that multiplies a code back. */
    public enum Scale {
        /** Four bytes, little endian. */
        FLOAT32(4),
        /** One byte, a power of two, {@link Float8E8M0}. */
        E8M0(1),
        /** One byte, {@link Float8E4M3}. */
        E4M3(1);

        private final int bytes;

        Scale(int bytes) {
            this.bytes = bytes;
        }
    }

    /** Where the scales of a row lie. */
    public enum Placement {
        /** Between the codes and the bfloat16 numbers of the row. */
        IN_ROW,
        /** Behind the data of all rows of the page; a row's scales are padded to a multiple of four bytes. */
        BEHIND_ROWS
    }

    /**
     * How a writer turns the greatest magnitude of a tile into a scale. Readers accept both. Scales of E2M1 codes know one rule only,
     * that of {@link org.filigree.core.io.Fp4Scale}.
     */
    public enum ScaleRule {
        /** ⌈max(amax, 10⁻⁴) / 448⌉ to a power of two, at least 2⁻²²: what the models' own code simulates. */
        MODEL,
        /** ⌈max(amax / 448, 10⁻⁴)⌉ to a power of two, at least 2⁻¹³: what FlashMLA's tests write. */
        FLASH_MLA
    }

    private static final float LEAST_SCALE = 1e-4f;
    private static final int SCALE_ALIGNMENT = 4;

    /** DeepSeek-V3.2: latent of 512 in four tiles, rotary key of 64; 656 bytes a token, all of a token together. */
    public static final TiledRows V32_FP8_SPARSE = fp8(512, 64, 128);

    /** DeepSeek-V4: 448 numbers in seven tiles, 64 rotary ones; 584 bytes a token, pages at multiples of 576 bytes. */
    public static final TiledRows MODEL1_FP8_SPARSE =
            new TiledRows(448, 64, 64, Code.E4M3, Scale.E8M0, Placement.BEHIND_ROWS, 576, ScaleRule.MODEL);

    /** DeepSeek-V4.1's sliding window: 512 numbers in tiles of 32, the rotary ones among them; 528 bytes a token. */
    public static final TiledRows V41_FP8 =
            new TiledRows(512, 0, 32, Code.E4M3, Scale.E8M0, Placement.BEHIND_ROWS, 512, ScaleRule.MODEL);

    /** DeepSeek-V4.1's compressed entries: 512 four-bit numbers in tiles of 16; 288 bytes an entry. */
    public static final TiledRows V41_FP4 =
            new TiledRows(512, 0, 16, Code.E2M1, Scale.E4M3, Placement.BEHIND_ROWS, 256, ScaleRule.MODEL);

    /** Checks that tiles divide the codes and that codes and scales fit together. */
    public TiledRows {
        Check.positive("tiled rows: coded", coded);
        Check.notNegative("tiled rows: rotary", rotary);
        Check.positive("tiled rows: tile", tile);
        Check.divides("tiled rows: coded", coded, "tile", tile);
        Check.positive("tiled rows: page alignment", pageAlignment);
        if (code == Code.E2M1) {
            Check.divides("tiled rows: tile of E2M1 codes", tile, "codes in a byte", 2);
            if (scale == Scale.FLOAT32) {
                throw new IllegalArgumentException("tiled rows: E2M1 codes have E8M0 or E4M3 scales, not FLOAT32");
            }
        } else if (scale == Scale.E4M3) {
            throw new IllegalArgumentException("tiled rows: E4M3 codes have FLOAT32 or E8M0 scales, not E4M3");
        }
    }

    /**
     * The layout of {@link #V32_FP8_SPARSE} in any width: codes in E4M3 with a float32 scale for each tile, in the row, then numbers in
     * bfloat16. A row takes {@code coded + 4 · coded / tile + 2 · rotary} bytes.
     *
     * @param coded how many numbers are codes, a multiple of {@code tile}
     * @param rotary how many numbers follow in bfloat16, 0 if none
     * @param tile numbers that share a scale
     * @return the format
     */
    public static TiledRows fp8(int coded, int rotary, int tile) {
        return new TiledRows(coded, rotary, tile, Code.E4M3, Scale.FLOAT32, Placement.IN_ROW, 1, ScaleRule.MODEL);
    }

    /**
     * Index keys in E4M3, one float32 scale each, at the end of the page and not of the row.
     *
     * @param width width of a key
     * @return the format
     */
    public static TiledRows fp8IndexKeys(int width) {
        return new TiledRows(width, 0, width, Code.E4M3, Scale.FLOAT32, Placement.BEHIND_ROWS, 1, ScaleRule.MODEL);
    }

    /**
     * Index keys in E2M1 with a power of two for every 32 numbers, at the end of the page.
     *
     * @param width width of a key, a multiple of 32
     * @return the format
     */
    public static TiledRows fp4IndexKeys(int width) {
        return new TiledRows(width, 0, 32, Code.E2M1, Scale.E8M0, Placement.BEHIND_ROWS, 1, ScaleRule.MODEL);
    }

    /**
     * The same bytes, written by another rule.
     *
     * @param other how a writer chooses a scale
     * @return a new format
     */
    public TiledRows withRule(ScaleRule other) {
        return new TiledRows(coded, rotary, tile, code, scale, placement, pageAlignment, other);
    }

    @Override
    public int width() {
        return coded + rotary;
    }

    @Override
    public int rowBytes() {
        return rotaryOffset() + rotary * Short.BYTES;
    }

    @Override
    public int scaleBytes() {
        return placement == Placement.IN_ROW
                ? 0
                : (tiles() * scale.bytes + SCALE_ALIGNMENT - 1) / SCALE_ALIGNMENT * SCALE_ALIGNMENT;
    }

    /** {@return tiles in a row} */
    public int tiles() {
        return coded / tile;
    }

    int codeBytes() {
        return code.bytes(coded);
    }

    int bytesPerScale() {
        return scale.bytes;
    }

    /** Byte of the first bfloat16 number, from the beginning of the row. */
    int rotaryOffset() {
        return codeBytes() + (placement == Placement.IN_ROW ? tiles() * scale.bytes : 0);
    }

    /** What a missing scale reads as: DeepGEMM's packed exponents are 1 there, FlashMLA's pad bytes 0. */
    byte scalePadding() {
        return (byte) (code == Code.E2M1 && scale == Scale.E8M0 ? 127 : 0);
    }

    /** The scale for a tile whose greatest magnitude is given: a number that {@link #scale} holds exactly. */
    float scaleOf(float amax) {
        float bounded = Math.min(amax, Float.MAX_VALUE);
        return switch (code) {
            case E4M3 ->
                switch (rule) {
                    case MODEL -> BlockScale.forE4M3(bounded, ScaleRounding.CEIL_POWER_OF_TWO);
                    case FLASH_MLA -> BlockScale.ceilPowerOfTwo(Math.max(bounded / Float8E4M3.MAX, LEAST_SCALE));
                };
            case E2M1 -> scale == Scale.E8M0 ? BlockScale.forE2M1(bounded) : BlockScale.forE2M1WithE4M3Scale(bounded);
        };
    }
}
