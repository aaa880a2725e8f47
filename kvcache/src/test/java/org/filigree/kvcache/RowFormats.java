package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ArbitrarySupplier;
import net.jqwik.api.Combinators;
import org.filigree.kvcache.TiledRows.Code;
import org.filigree.kvcache.TiledRows.Placement;
import org.filigree.kvcache.TiledRows.Scale;
import org.filigree.kvcache.TiledRows.ScaleRule;

/** Formats of every kind, released ones and small ones of awkward sizes. */
final class RowFormats {
    static final List<TiledRows> RELEASED = List.of(
            TiledRows.V32_FP8_SPARSE,
            TiledRows.MODEL1_FP8_SPARSE,
            TiledRows.V41_FP8,
            TiledRows.V41_FP4,
            TiledRows.fp8IndexKeys(128),
            TiledRows.fp4IndexKeys(64));

    private RowFormats() {}

    static Arbitrary<RowFormat> tiled() {
        Arbitrary<RowFormat> eights = Combinators.combine(
                        Arbitraries.of(3, 8, 16, 32, 48),
                        Arbitraries.integers().between(1, 3),
                        Arbitraries.of(0, 1, 16, 19),
                        Arbitraries.of(Scale.FLOAT32, Scale.E8M0),
                        Arbitraries.of(Placement.values()),
                        Arbitraries.of(1, 24, 64),
                        Arbitraries.of(ScaleRule.values()))
                .as((tile, tiles, rotary, scale, placement, alignment, rule) ->
                        new TiledRows(tile * tiles, rotary, tile, Code.E4M3, scale, placement, alignment, rule));
        Arbitrary<RowFormat> fours = Combinators.combine(
                        Arbitraries.of(2, 8, 16, 32, 48),
                        Arbitraries.integers().between(1, 3),
                        Arbitraries.of(0, 1, 16, 19),
                        Arbitraries.of(Scale.E4M3, Scale.E8M0),
                        Arbitraries.of(Placement.values()),
                        Arbitraries.of(1, 24, 64))
                .as((tile, tiles, rotary, scale, placement, alignment) -> new TiledRows(
                        tile * tiles, rotary, tile, Code.E2M1, scale, placement, alignment, ScaleRule.MODEL));
        return Arbitraries.oneOf(eights, fours);
    }

    static Arbitrary<RowFormat> any() {
        Arbitrary<Integer> width = Arbitraries.of(1, 7, 8, 15, 16, 17, 37);
        return Arbitraries.oneOf(width.map(Float32Rows::new), width.map(BFloat16Rows::new), tiled());
    }

    /** Storages of one to three planes, each of one part or two. */
    static final class Storages implements ArbitrarySupplier<RowStorage> {
        @Override
        public Arbitrary<RowStorage> get() {
            return any().list().ofMinSize(1).ofMaxSize(3).map(formats -> {
                var planes = new ArrayList<RowStorage.Plane>();
                for (RowFormat format : formats) {
                    String name = "plane " + planes.size();
                    int width = format.width();
                    int first = format instanceof TiledRows tiled && tiled.rotary() > 0 ? tiled.coded() : width;
                    var parts = new ArrayList<RowLayout.Part>();
                    parts.add(new RowLayout.Part(name, first));
                    if (first < width) {
                        parts.add(new RowLayout.Part(name + " rotary", width - first));
                    }
                    planes.add(new RowStorage.Plane(parts, format));
                }
                return new RowStorage(planes);
            });
        }
    }
}
