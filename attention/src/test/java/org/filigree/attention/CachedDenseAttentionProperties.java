package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Backends;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Thrown;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowLayout;
import org.filigree.kvcache.RowStorage;

/** Dense attention over a cache, in place and in segments, against plain loops over rows decoded number by number. */
class CachedDenseAttentionProperties {
    /** Runs of keys of all kinds, none of which needs more queries than keys. */
    enum Seen {
        ALL {
            @Override
            KeySpan span(int tokens, int keys) {
                return KeySpan.all(keys);
            }
        },
        CAUSAL {
            @Override
            KeySpan span(int tokens, int keys) {
                return keys < tokens ? KeySpan.all(keys) : KeySpan.causal(tokens, keys);
            }
        },
        WINDOW {
            @Override
            KeySpan span(int tokens, int keys) {
                return keys < tokens ? KeySpan.all(keys) : KeySpan.window(tokens, keys, 3);
            }
        },
        /** As of compressed entries: the first queries see nothing. */
        EVERY_THIRD {
            @Override
            KeySpan span(int tokens, int keys) {
                return KeySpan.of(query -> Math.min(keys, (query + 1) / 3));
            }
        };

        abstract KeySpan span(int tokens, int keys);
    }

    record Case(int tokens, int heads, Seen seen, boolean sinks, long seed) {
        RandomStream random() {
            return RandomStream.of(seed);
        }

        CachedDenseInput input(Backend backend, CacheRows keys, int valueWidth) {
            return new CachedDenseInput(
                    queries(keys.width()).on(backend),
                    keys,
                    valueWidth,
                    seen.span(tokens, keys.count()),
                    scale(keys.width()),
                    sinks ? sinkLogits().on(backend) : null);
        }

        double scale(int width) {
            return 3 / Math.sqrt(width);
        }

        Sample queries(int width) {
            return Sample.gaussian("q", random(), tokens, heads, width);
        }

        Sample sinkLogits() {
            return Sample.gaussian("sinks", random(), heads);
        }
    }

    @Provide
    Arbitrary<Case> cases() {
        return Combinators.combine(
                        Arbitraries.of(0, 1, 2, 4, 5, 16, 17),
                        Arbitraries.of(1, 3, 16, 33),
                        Arbitraries.of(Seen.values()),
                        Arbitraries.of(true, false),
                        Arbitraries.longs())
                .as(Case::new);
    }

    @Provide
    Arbitrary<CachedLayout> layouts() {
        return Arbitraries.of(CachedLayout.small());
    }

    @Provide
    Arbitrary<Integer> lengths() {
        return Arbitraries.of(0, 1, 5, 7, 14, 70, 193);
    }

    @Property(tries = 60)
    void agreesWithPlainLoopsWhateverTheSegment(
            @ForAll("cases") Case each,
            @ForAll("layouts") CachedLayout layout,
            @ForAll CacheForm form,
            @ForAll("lengths") int length,
            @ForAll(supplier = AnyBackend.class) Backend backend) {
        var drawn = new CacheForm.Drawn(backend, each.random());
        try (CacheForm.Held held = form.hold(layout.storage(), drawn, length)) {
            float[][] stored = PlainRows.stored(
                    layout.storage(), drawn.parts(layout.storage().layout(), held.numbers()));
            CacheRows rows = held.cache().rows(layout.parts());
            int count = rows.count();
            assertEquals(stored.length, count);
            CachedDenseInput input = each.input(backend, rows, layout.valueWidth());
            NaiveAttention.Result naive = naive(each, layout, input, stored);
            agrees("as it chooses", each, layout, naive, CachedDenseAttention.attend(input), backend, count);
            for (int segment : new int[] {1, 2, 7, Math.max(1, count - 1), Math.max(1, count), count + 1, 96}) {
                if (segment >= count / 40) {
                    Attended attended = CachedDenseAttention.segmented(input, segment);
                    agrees("segments of " + segment, each, layout, naive, attended, backend, count);
                }
            }
        }
    }

    private static NaiveAttention.Result naive(
            Case each, CachedLayout layout, CachedDenseInput input, float[][] stored) {
        int width = layout.width();
        int valueWidth = layout.valueWidth();
        double[] keys = new double[stored.length * width];
        double[] values = new double[stored.length * valueWidth];
        for (int j = 0; j < stored.length; j++) {
            for (int c = 0; c < width; c++) {
                keys[j * width + c] = stored[j][c];
            }
            System.arraycopy(keys, j * width, values, j * valueWidth, valueWidth);
        }
        return new NaiveAttention(
                        each.tokens, stored.length, each.heads, 1, width, valueWidth, input.span(), each.scale(width))
                .forward(
                        each.queries(width).values(),
                        keys,
                        values,
                        each.sinks ? each.sinkLogits().values() : null);
    }

    private static void agrees(
            String label,
            Case each,
            CachedLayout layout,
            NaiveAttention.Result naive,
            Attended attended,
            Backend backend,
            int count) {
        assertEquals(
                Shape.of(each.tokens, each.heads, layout.valueWidth()),
                attended.output().shape());
        // Two sums, one after the other: over channels and over keys.
        Tolerance tolerance =
                Tolerance.of(backend, layout.width() + count).times(2).withFloor(1);
        assertClose(label + ": output", naive.output(), attended.output(), tolerance);
        double[] expected = naive.logSumExp().clone();
        double[] sums = attended.logSumExp().toDoubles();
        for (int i = 0; i < sums.length; i++) {
            if (expected[i] == Double.NEGATIVE_INFINITY) {
                assertEquals(Double.NEGATIVE_INFINITY, sums[i], label);
                sums[i] = 0;
                expected[i] = 0;
            }
        }
        assertClose(label + ": log-sum-exp", expected, sums, tolerance);
    }

    /** Keys of each head, and a choice among them: what attends to all at once is the measure. */
    @Property(tries = 40)
    void keysOfEachHeadAndAChoiceAmongThemInSegments(
            @ForAll("cases") Case each,
            @ForAll("lengths") int keys,
            @ForAll boolean choosing,
            @ForAll(supplier = AnyBackend.class) Backend backend) {
        Tensor q = Sample.gaussian("q", each.random(), 1, each.tokens, each.heads, 6)
                .on(backend);
        Tensor k = Sample.gaussian("k", each.random(), 1, keys, each.heads, 6).on(backend);
        Tensor v = Sample.gaussian("v", each.random(), 1, keys, each.heads, 5).on(backend);
        KeySpan span = each.seen.span(each.tokens, keys);
        Tensor sinks = each.sinks ? each.sinkLogits().on(backend) : null;
        Tensor chosen = choosing
                ? Sample.indices("chosen", each.random(), -1, Math.max(1, keys), 1, each.tokens, 4)
                        .on(backend)
                : null;
        var whole = new DenseAttentionInput(q, k, v, span, 0.7, sinks);
        Tensor expected = (chosen == null
                        ? ScaledDotProductAttention.attend(whole)
                        : ScaledDotProductAttention.attend(whole, chosen))
                .output();
        for (int segment : new int[] {Math.max(1, keys / 3), Math.max(1, keys / 2), Math.max(1, keys - 1), keys + 1}) {
            var inSegments = new SegmentedKeys(
                    keys,
                    segment,
                    (first, count) -> new SegmentedKeys.Segment(
                            Slice.slice(k, 1, first, first + count), Slice.slice(v, 1, first, first + count)));
            assertClose(
                    "segments of " + segment,
                    expected,
                    inSegments.attend(q, span, 0.7, sinks, chosen).output(),
                    Tolerance.of(backend, 6 + keys).times(2).withFloor(1));
        }
    }

    /** At widths at which a cache of this length takes several segments: what a pass over all tokens at once gives. */
    @Example
    void longCachesThroughTheLayer() {
        Backend backend = TestBackends.get("vector");
        HeadWidths head = new HeadWidths(128, 64, 128);
        LatentAttentionConfig expanded =
                LatentAttentionConfig.of(32, 16).withHead(head).withLatent(512).withForm(LatentForm.EXPANDED);
        LatentAttentionConfig absorbed =
                LatentAttentionConfig.of(32, 2).withHead(head).withLatent(512).withForm(LatentForm.ABSORBED);
        goesOn(backend, expanded.withSinks(Sinks.LEARNED), 1100);
        goesOn(backend, expanded.withSelector(SlidingWindow.of(100)), 1100);
        goesOn(backend, absorbed.withSinks(Sinks.LEARNED), 2000);
    }

    private static void goesOn(Backend backend, LatentAttentionConfig config, int length) {
        LatentAttention attention = config.init(backend, RandomStream.of(7));
        Tensor x = Sample.gaussian("x", RandomStream.of(8), 1, length, config.width())
                .on(backend);
        Tensor whole = attention.forward(x, Context.inference());
        try (KvCache cache = new ContiguousKvCache(attention.rowLayout(), length)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            int start = 0;
            for (int end : new int[] {length - 76, length - 6, length - 1, length}) {
                Tensor part = attention.forward(Slice.slice(x, 1, start, end), context);
                assertClose(
                        config + ", tokens " + start + " to " + end,
                        Slice.slice(whole, 1, start, end),
                        part,
                        Tolerance.of(backend, 512 + length).times(2).withFloor(1));
                start = end;
            }
        }
    }

    @Example
    void sameBitsWhateverTheThreads() {
        for (Case each : List.of(new Case(9, 16, Seen.CAUSAL, true, 4), new Case(70, 3, Seen.CAUSAL, false, 5))) {
            float[] one = onThreads(each, 1);
            assertArrayEquals(one, onThreads(each, 2));
            assertArrayEquals(one, onThreads(each, 3));
        }
    }

    private static KvCache cache(Backend backend, int rows) {
        RowStorage storage = RowStorage.bfloat16(RowLayout.of("latent", 64).with("rotary", 16));
        var cache = new ContiguousKvCache(storage, rows);
        cache.append(
                cache.end(),
                new CacheForm.Drawn(backend, RandomStream.of(4))
                        .parts(storage.layout(), IntStream.range(0, rows).toArray()));
        return cache;
    }

    private static float[] onThreads(Case each, int threads) {
        String property = "filigree.vector.threads";
        String before = System.getProperty(property);
        System.setProperty(property, String.valueOf(threads));
        try (Backend backend = Backends.open("vector");
                KvCache cache = cache(backend, 700)) {
            return CachedDenseAttention.segmented(each.input(backend, cache.rows(), 64), 200)
                    .output()
                    .toFloats();
        } finally {
            if (before == null) {
                System.clearProperty(property);
            } else {
                System.setProperty(property, before);
            }
        }
    }

    @Example
    void badInputIsRefused() {
        Case each = new Case(2, 2, Seen.CAUSAL, true, 4);
        for (String name : List.of("scalar", "vector")) {
            Backend backend = TestBackends.get(name);
            try (KvCache cache = cache(backend, 9)) {
                CacheRows rows = cache.rows();
                Tensor queries = each.queries(80).on(backend);
                KeySpan span = KeySpan.causal(2, 9);
                assertTrue(Thrown.message(
                                ShapeException.class,
                                () -> new CachedDenseInput(queries, cache.rows("latent"), 64, span, 1, null))
                        .contains("queries [2, 2, 80] are 80 wide, rows of the cache 64"));
                assertTrue(Thrown.message(
                                ShapeException.class,
                                () -> new CachedDenseInput(queries, rows, 64, KeySpan.all(10), 1, null))
                        .contains("sees rows 0 to 9 but there are 9"));
                assertThrows(ShapeException.class, () -> new CachedDenseInput(queries, rows, 81, span, 1, null));
                var wanting = new CachedDenseInput(Autograd.leaf(queries), rows, 64, span, 1, null);
                assertThrows(ShapeException.class, () -> CachedDenseAttention.attend(wanting));
                Tensor sinks = Autograd.leaf(each.sinkLogits().on(backend));
                var wantingSinks = new CachedDenseInput(queries, rows, 64, span, 1, sinks);
                assertTrue(Thrown.message(ShapeException.class, () -> CachedDenseAttention.attend(wantingSinks))
                        .contains("sinks [2] want a gradient"));
            }
        }
    }
}
