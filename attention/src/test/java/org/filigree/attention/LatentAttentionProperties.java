package org.filigree.attention;

import static org.filigree.core.testkit.Compare.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.autograd.Gradients;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.nn.Frequencies;
import org.filigree.core.op.Concat;
import org.filigree.core.op.Slice;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.AnyBackend;
import org.filigree.core.testkit.Sample;
import org.filigree.core.testkit.Seed;
import org.filigree.core.testkit.TestBackends;
import org.filigree.core.testkit.Tolerance;
import org.filigree.kvcache.CacheBatch;
import org.filigree.kvcache.ContiguousKvCache;
import org.filigree.kvcache.KvCache;

class LatentAttentionProperties {
    /** Several products one after another, the longest over a few dozen channels. */
    private static Tolerance tolerance(Backend backend) {
        return Tolerance.of(backend, 64).times(8);
    }

    @Provide
    Arbitrary<LatentAttentionConfig> configs() {
        Arbitrary<HeadWidths> heads = Combinators.combine(
                        Arbitraries.integers().between(1, 7),
                        Arbitraries.integers().between(1, 3),
                        Arbitraries.integers().between(1, 7))
                .as((content, half, value) -> new HeadWidths(content, 2 * half, value));
        Arbitrary<QueryProjection> queries = Arbitraries.of(
                new QueryProjection.Direct(), new QueryProjection.Compressed(5), new QueryProjection.Compressed(12));
        Arbitrary<Selector> selectors = Arbitraries.of(new All(), TopK.of(1), TopK.of(3), TopK.of(100));
        Arbitrary<Frequencies> frequencies =
                Arbitraries.of(new Frequencies.Plain(100), new Frequencies.Yarn(10000, 16, 4, 4, 1));
        return Combinators.combine(
                        Arbitraries.integers().between(1, 5),
                        heads,
                        queries,
                        Arbitraries.integers().between(1, 9),
                        frequencies,
                        Arbitraries.of(LatentForm.values()),
                        selectors,
                        Combinators.combine(
                                        Arbitraries.of(
                                                SparseAttention.gathered(),
                                                SparseAttention.masked(),
                                                SparseAttention.cheaper()),
                                        Arbitraries.of(Sinks.values()))
                                .as(Attending::new))
                .as((h, head, query, latent, rotary, form, selector, attending) -> LatentAttentionConfig.of(13 * h, h)
                        .withHead(head)
                        .withQuery(query)
                        .withLatent(latent)
                        .withRotary(rotary, new LogitScale.YarnSquared(1))
                        .withForm(form)
                        .withScorer(IndexerConfig.of(8, 8))
                        .withSelector(selector)
                        .withAttention(attending.attention())
                        .withSinks(attending.sinks()));
    }

    private record Attending(SparseAttention attention, Sinks sinks) {}

    private static LatentAttention layer(LatentAttentionConfig config, Backend backend) {
        LatentAttention layer = config.init(backend, Seed.of("latent attention"));
        if (config.sinks() == Sinks.LEARNED) {
            layer.parameters()
                    .get("attn_sink")
                    .assign(Sample.gaussian("sinks", Seed.of("sinks"), config.heads())
                            .on(backend));
        }
        return layer;
    }

    private static Tensor tokens(Backend backend, int batch, int tokens, int width, long seed) {
        return Sample.gaussian("x", RandomStream.of(seed), batch, tokens, width).on(backend);
    }

    @Property
    void theFutureDoesNotChangeThePast(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") LatentAttentionConfig config,
            @ForAll @IntRange(min = 2, max = 9) int length,
            @ForAll @IntRange(min = 1, max = 8) int change,
            @ForAll long seed) {
        int kept = Math.min(change, length - 1);
        LatentAttention attention = layer(config, backend);
        Tensor x = tokens(backend, 1, length, config.width(), seed);
        double[] values = x.toDoubles();
        for (int i = kept * config.width(); i < values.length; i++) {
            values[i] = -3 * values[i] + 1;
        }
        Tensor other = backend.tensors().doubles(x.shape(), values);
        Tensor before = attention.forward(x, Context.inference());
        Tensor after = attention.forward(other, Context.inference());
        assertClose("past", Slice.slice(before, 1, 0, kept), Slice.slice(after, 1, 0, kept), tolerance(backend));
    }

    @Property
    void anyDivisionThroughCachesGivesTheSame(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") LatentAttentionConfig config,
            @ForAll("divisions") List<Integer> chunks,
            @ForAll @IntRange(min = 1, max = 3) int batch,
            @ForAll long seed) {
        int length = chunks.stream().mapToInt(Integer::intValue).sum();
        LatentAttention attention = layer(config, backend);
        Tensor x = tokens(backend, batch, length, config.width(), seed);
        Tensor whole = attention.forward(x, Context.inference());
        List<KvCache> caches = new ArrayList<>();
        for (int b = 0; b < batch; b++) {
            caches.add(new ContiguousKvCache(attention.rowLayout(), length));
        }
        try {
            Context context = Context.inference().with(CacheBatch.KEY, new CacheBatch(caches));
            int start = 0;
            for (int chunk : chunks) {
                Tensor part = attention.forward(Slice.slice(x, 1, start, start + chunk), context.at(start));
                // Cached rows are float32 on every backend.
                assertClose(
                        "chunk at " + start,
                        Slice.slice(whole, 1, start, start + chunk),
                        part,
                        tolerance(backend).or(Tolerance.float32(64).times(8)));
                start += chunk;
            }
        } finally {
            caches.forEach(KvCache::close);
        }
    }

    @Provide
    Arbitrary<List<Integer>> divisions() {
        return Arbitraries.integers().between(1, 6).list().ofMinSize(1).ofMaxSize(6);
    }

    @Property(tries = 30)
    void sequencesOfDifferentLengthDecodeSideBySide(
            @ForAll("configs") LatentAttentionConfig config,
            @ForAll @IntRange(min = 1, max = 7) int first,
            @ForAll @IntRange(min = 1, max = 7) int second,
            @ForAll long seed) {
        Backend backend = TestBackends.get("scalar");
        LatentAttention attention = layer(config, backend);
        Tensor a = tokens(backend, 1, first + 1, config.width(), seed);
        Tensor b = tokens(backend, 1, second + 1, config.width(), seed + 1);
        try (KvCache ca = new ContiguousKvCache(attention.rowLayout(), 9);
                KvCache cb = new ContiguousKvCache(attention.rowLayout(), 9)) {
            attention.forward(Slice.slice(a, 1, 0, first), Context.inference().with(CacheBatch.KEY, CacheBatch.of(ca)));
            attention.forward(
                    Slice.slice(b, 1, 0, second), Context.inference().with(CacheBatch.KEY, CacheBatch.of(cb)));
            Tensor last = Concat.concat(0, Slice.slice(a, 1, first, first + 1), Slice.slice(b, 1, second, second + 1));
            Tensor step = attention.forward(last, Context.inference().with(CacheBatch.KEY, CacheBatch.of(ca, cb)));
            assertClose("first", lastOf(attention, a), Slice.slice(step, 0, 0, 1), tolerance(backend));
            assertClose("second", lastOf(attention, b), Slice.slice(step, 0, 1, 2), tolerance(backend));
        }
    }

    @Property(tries = 30)
    void takingTokensBackAndGoingOnIsAsIfTheyHadNeverBeen(
            @ForAll("configs") LatentAttentionConfig config,
            @ForAll @IntRange(min = 1, max = 4) int kept,
            @ForAll @IntRange(min = 1, max = 4) int rejected,
            @ForAll long seed) {
        Backend backend = TestBackends.get("vector");
        LatentAttention attention = layer(config, backend);
        Tensor x = tokens(backend, 1, kept + 1, config.width(), seed);
        Tensor draft = tokens(backend, 1, rejected, config.width(), seed + 1);
        try (KvCache cache = new ContiguousKvCache(attention.rowLayout(), 8)) {
            Context context = Context.inference().with(CacheBatch.KEY, CacheBatch.of(cache));
            attention.forward(Slice.slice(x, 1, 0, kept), context);
            attention.forward(draft, context);
            cache.truncate(kept);
            Tensor step = attention.forward(Slice.slice(x, 1, kept, kept + 1), context.at(kept));
            assertClose("step", lastOf(attention, x), step, tolerance(backend));
        }
    }

    private static Tensor lastOf(LatentAttention attention, Tensor x) {
        return Slice.slice(attention.forward(x, Context.inference()), 1, x.dim(1) - 1, x.dim(1));
    }

    @Property
    void formsAgreeInValuesAndGradients(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") LatentAttentionConfig config,
            @ForAll @IntRange(min = 1, max = 9) int length,
            @ForAll @IntRange(min = 1, max = 2) int batch,
            @ForAll long seed) {
        LatentAttention attention = layer(config, backend);
        Tensor x = Autograd.leaf(tokens(backend, batch, length, config.width(), seed));
        assertAlike(
                backend,
                evaluate(attention.withForm(LatentForm.EXPANDED), x),
                evaluate(attention.withForm(LatentForm.ABSORBED), x));
    }

    @Property
    void choosingAllKeysIsDense(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") LatentAttentionConfig config,
            @ForAll @IntRange(min = 1, max = 9) int length,
            @ForAll @IntRange(min = 0, max = 3) int more,
            @ForAll long seed) {
        LatentAttention attention = layer(config, backend);
        Tensor x = Autograd.leaf(tokens(backend, 2, length, config.width(), seed));
        assertAlike(
                backend,
                evaluate(attention.withSelector(new All()), x),
                evaluate(attention.withSelector(TopK.of(length + more)), x));
    }

    private static Map<String, Tensor> evaluate(LatentAttention attention, Tensor x) {
        Tensor y = attention.forward(x, Context.training());
        Tensor upstream = Sample.gaussian(
                        "upstream", Seed.of("upstream"), y.shape().toArray())
                .on(Backend.of(y));
        Gradients gradients = Autograd.backward(y, upstream);
        var all = new LinkedHashMap<String, Tensor>();
        all.put("output", Autograd.detach(y));
        all.put("dx", gradients.of(x));
        attention
                .parameters()
                .forEach((path, parameter) ->
                        gradients.find(parameter.value()).ifPresent(gradient -> all.put("d " + path, gradient)));
        return all;
    }

    private static void assertAlike(Backend backend, Map<String, Tensor> expected, Map<String, Tensor> actual) {
        if (!expected.keySet().equals(actual.keySet())) {
            throw new AssertionError(expected.keySet() + " and " + actual.keySet() + " differ");
        }
        expected.forEach((name, value) -> {
            Tensor other = actual.get(name);
            if (other != null) {
                assertClose(name, value, other, tolerance(backend).withFloor(1));
            }
        });
    }

    /** Heads permuted alike in queries, keys, values and the output projection. */
    @Property
    void theOrderOfHeadsIsImmaterial(
            @ForAll(supplier = AnyBackend.class) Backend backend,
            @ForAll("configs") LatentAttentionConfig config,
            @ForAll long seed) {
        LatentAttention attention = layer(config, backend);
        LatentAttention permuted = layer(config, backend);
        int heads = config.heads();
        int[] order = RandomStream.of(seed).permutation(heads);
        HeadWidths head = config.head();
        String queries = config.query() instanceof QueryProjection.Direct ? "q_proj.weight" : "q_b_proj.weight";
        reorder(permuted, queries, order, head.query() * widthOf(permuted, queries), 1);
        reorder(permuted, "kv_b_proj.weight", order, (head.content() + head.value()) * config.latent(), 1);
        reorder(permuted, "o_proj.weight", order, head.value(), config.width());
        if (config.sinks() == Sinks.LEARNED) {
            reorder(permuted, "attn_sink", order, 1, 1);
        }
        Tensor x = tokens(backend, 1, 6, config.width(), seed);
        assertClose(
                "output",
                attention.forward(x, Context.inference()),
                permuted.forward(x, Context.inference()),
                tolerance(backend).withFloor(1));
    }

    private static int widthOf(LatentAttention attention, String path) {
        return attention.parameters().get(path).shape().dim(1);
    }

    /** Reorders blocks of numbers within each of several rows. */
    private static void reorder(LatentAttention attention, String path, int[] order, int block, int rows) {
        var parameter = attention.parameters().get(path);
        double[] from = parameter.value().toDoubles();
        double[] to = new double[from.length];
        for (int r = 0; r < rows; r++) {
            for (int h = 0; h < order.length; h++) {
                int row = r * order.length * block;
                System.arraycopy(from, row + order[h] * block, to, row + h * block, block);
            }
        }
        parameter.assign(Backend.of(parameter.value()).tensors().doubles(parameter.shape(), to));
    }

    @Property(tries = 20)
    void sameSeedSameBits(@ForAll("configs") LatentAttentionConfig config, @ForAll long seed) {
        Backend backend = TestBackends.get("vector");
        Tensor x = tokens(backend, 2, 5, config.width(), seed);
        float[] once = layer(config, backend).forward(x, Context.inference()).toFloats();
        float[] again = layer(config, backend).forward(x, Context.inference()).toFloats();
        assertArrayEquals(once, again);
    }
}
