package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.filigree.core.testkit.TestBackends;
import tools.jackson.databind.JsonNode;

class NgramHashProperties {
    private static final int VOCABULARY = 16;
    private static final int PADDING = 2;
    private static final int DEAD = 14;
    private static final int START = 15;
    private static final int LAYER = 3;

    private final Backend backend = TestBackends.get("scalar");
    private final NgramHash tiny = tiny(VocabularyCompression.identity(VOCABULARY));

    private static NgramHash tiny(VocabularyCompression vocabulary) {
        return new NgramHashConfig(
                        vocabulary, List.of(2, 3), 2, List.of(11, 13), List.of(1, 3), 0, PADDING, Barriers.none())
                .init();
    }

    @Example
    void hashesAsTheReferenceDoes() {
        for (JsonNode each : Golden.at("hash").values()) {
            boolean released = each.get("config").asString().equals("v41");
            NgramHash hash = released
                    ? NgramHashConfig.of(VocabularyCompression.identity(99_092), 4, 8, 16_000_000, PADDING, 1, 14)
                            .init()
                    : tiny;
            LayerHash layer = hash.layer(each.get("layer_id").asInt());
            int at = 0;
            int[] expected = Golden.ints(each.get("local"));
            for (JsonNode sequence : each.get("ids").values()) {
                int[] ids = Golden.ints(sequence);
                int[] local = naiveLocal(hash, layer, ids);
                assertArrayEquals(Arrays.copyOfRange(expected, at, at + local.length), local);
                if (Arrays.stream(ids).allMatch(id -> id >= 0)) {
                    assertArrayEquals(local, minus(rows(hash, layer.layer(), ids), layer.offsets()));
                }
                at += local.length;
            }
            assertEquals(expected.length, at);
        }
    }

    /** Negative ids take part in the published demonstration; they are dead tokens here, and only the definition is compared. */
    private static int[] naiveLocal(NgramHash hash, LayerHash layer, int[] ids) {
        int[] moduli = layer.moduli();
        int heads = hash.config().heads();
        int[] local = new int[ids.length * moduli.length];
        for (int i = 0; i < local.length; i++) {
            int c = i % moduli.length;
            int order = hash.config().orders().get(c / heads);
            long mix = NaiveEngram.mix(ids, i / moduli.length, order, layer.multipliers(), PADDING);
            local[i] = (int) Math.floorMod(mix, (long) moduli[c]);
        }
        return local;
    }

    @Example
    void barriersActAsInTheReference() {
        JsonNode golden = Golden.at("hash_barrier");
        int[] ids = Golden.ints(golden.get("ids"));
        float[] live = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            live[i] = golden.get("live").get(i).asBoolean() ? 1 : 0;
            ids[i] = live[i] == 1 ? ids[i] : -1;
        }
        NgramRows rows = tiny.rows(tensor(ids), tensor(Golden.ints(golden.get("position_ids"))));
        int[] offsets = tiny.layer(1).offsets();
        assertArrayEquals(Golden.ints(golden.get("local")), minus(rows.of(1).toInts(), offsets));
        assertArrayEquals(live, rows.live().orElseThrow().toFloats());
    }

    @Example
    void batchOfThirtyTwoBitRowsEqualsTheKernelsLayout() {
        JsonNode golden = Golden.at("tilekernels_hash");
        int[] layers = {1, 3};
        int[] output = Golden.ints(golden.get("output_i32"));
        int[] grams = Golden.ints(golden.get("ngram_token_ids"));
        int columns = tiny.config().columns();
        for (int l = 0; l < layers.length; l++) {
            for (int g = 0; g < grams.length / 3; g++) {
                int[] into = new int[columns];
                tiny.layer(layers[l]).rows(Arrays.copyOfRange(grams, 3 * g, 3 * g + 3), into, 0);
                int at = (l * (grams.length / 3) + g) * columns;
                assertArrayEquals(Arrays.copyOfRange(output, at, at + columns), into);
            }
        }
    }

    @Property(tries = 60)
    void equalsItsDefinition(@ForAll("sequences") int[] ids, @ForAll("configs") NgramHashConfig config) {
        NgramHash hash = config.init();
        int[] codes =
                Arrays.stream(ids).map(id -> id < 0 || id == DEAD ? -1 : id).toArray();
        boolean[] starts = new boolean[ids.length];
        for (int i = 0; i < ids.length; i++) {
            starts[i] = ids[i] == START;
        }
        int[] orders = config.orders().stream().mapToInt(Integer::intValue).toArray();
        NgramRows rows = hash.rows(tensor(ids));
        for (int layer : config.layers()) {
            assertArrayEquals(
                    NaiveEngram.rows(codes, starts, config.padding(), orders, hash.layer(layer)),
                    rows.of(layer).toInts());
        }
        assertEquals(
                Arrays.stream(codes).anyMatch(code -> code < 0), rows.live().isPresent());
    }

    @Property(tries = 60)
    void piecesEqualOnePass(
            @ForAll("sequences") int[] ids,
            @ForAll("configs") NgramHashConfig config,
            @ForAll @IntRange(min = 1, max = 5) int piece) {
        NgramHash hash = config.init();
        HashHistory history = hash.history();
        int[] whole = rows(hash, LAYER, ids);
        for (int from = 0; from < ids.length; from += piece) {
            int to = Math.min(ids.length, from + piece);
            history.append(5);
            history.truncate(from);
            HashHistory other = history.copy();
            int[] expected = Arrays.copyOfRange(whole, from * config.columns(), to * config.columns());
            Tensor part = tensor(Arrays.copyOfRange(ids, from, to));
            assertArrayEquals(
                    expected, hash.rows(part, List.of(history)).of(LAYER).toInts());
            assertArrayEquals(
                    expected, hash.rows(part, List.of(other)).of(LAYER).toInts());
        }
        assertEquals(ids.length, history.length());
    }

    @Property(tries = 60)
    void aTokenMattersForTheNextTokensOnly(
            @ForAll("sequences") int[] ids,
            @ForAll @IntRange(min = 0, max = 40) int place,
            @ForAll @IntRange(min = 0, max = 15) int id) {
        if (place < ids.length) {
            int[] other = ids.clone();
            other[place] = id;
            int columns = tiny.config().columns();
            int[] before = rows(tiny, LAYER, ids);
            int[] after = rows(tiny, LAYER, other);
            int end = place + tiny.config().longest();
            for (int i = 0; i < before.length; i++) {
                if (i / columns < place || i / columns >= end) {
                    assertEquals(before[i], after[i]);
                }
            }
        }
    }

    @Property(tries = 60)
    void theSameWindowGivesTheSameRows(@ForAll("text") int[] ids, @ForAll("text") int[] before) {
        int[] longer = concat(before, ids);
        int columns = tiny.config().columns();
        int skip = (tiny.config().longest() - 1) * columns;
        int[] alone = rows(tiny, LAYER, ids);
        int[] behind = rows(tiny, LAYER, longer);
        for (int i = skip; i < alone.length; i++) {
            assertEquals(alone[i], behind[before.length * columns + i]);
        }
        int[] started = concat(before, concat(new int[] {START}, ids));
        NgramHash withStart =
                tiny.config().withBarriers(Barriers.none().withStarts(START)).init();
        assertArrayEquals(
                rows(withStart, LAYER, concat(new int[] {START}, ids)),
                tail(rows(withStart, LAYER, started), (ids.length + 1) * columns));
    }

    @Property(tries = 60)
    void writtenPaddingEqualsMissingTokens(@ForAll("text") int[] ids, @ForAll @IntRange(min = 0, max = 6) int count) {
        int[] padding = new int[count];
        Arrays.fill(padding, PADDING);
        int[] padded = rows(tiny, LAYER, concat(padding, ids));
        assertArrayEquals(
                rows(tiny, LAYER, ids), tail(padded, ids.length * tiny.config().columns()));
    }

    @Property(tries = 60)
    void rowsStayInTheirColumns(@ForAll("sequences") int[] ids, @ForAll("configs") NgramHashConfig config) {
        NgramHash hash = config.init();
        for (int each : config.layers()) {
            LayerHash layer = hash.layer(each);
            int[] rows = rows(hash, each, ids);
            for (int i = 0; i < rows.length; i++) {
                int c = i % layer.columns();
                assertTrue(rows[i] >= layer.offsets()[c]);
                assertTrue(rows[i] < layer.offsets()[c] + layer.moduli()[c]);
            }
            assertEquals(Arrays.stream(layer.moduli()).sum(), layer.rows());
        }
    }

    @Property
    void multipliersAreOddAndProductsFit(
            @ForAll @IntRange(min = 1, max = (1 << 30) - 1) int vocabulary,
            @ForAll @IntRange(min = 0, max = 100) int layer,
            @ForAll @IntRange(min = 0) int seed) {
        long half = Math.max(1, Long.MAX_VALUE / vocabulary / 2);
        for (long m : LayerHash.multipliers(vocabulary, 4, layer, seed)) {
            assertEquals(1, m & 1);
            assertTrue(m >= 1 && m <= 2 * half - 1);
            assertTrue(Math.multiplyExact(m, vocabulary - 1L) >= 0);
        }
        assertArrayEquals(
                LayerHash.multipliers(vocabulary, 3, layer + 1, seed),
                LayerHash.multipliers(vocabulary, 3, layer, seed + 10007L));
    }

    @Property
    void mixesAreRollingAndTheirRemaindersInRange(
            @ForAll("text") int[] ids, @ForAll @LongRange(min = 2, max = 1 << 24) long p) {
        long[] m = LayerHash.multipliers(VOCABULARY, 4, 1, 0);
        int[] negative = Arrays.stream(ids).map(id -> -id).toArray();
        for (int t = 0; t < ids.length; t++) {
            for (int order = 2; order <= 4; order++) {
                long mix = NaiveEngram.mix(ids, t, order, m, PADDING);
                long oldest = (t - order + 1 < 0 ? PADDING : ids[t - order + 1]) * m[order - 1];
                assertEquals(oldest, mix ^ NaiveEngram.mix(ids, t, order - 1, m, PADDING));
                assertTrue(mix >= 0);
                assertEquals(mix % p, Math.floorMod(mix, p));
                long below = Math.floorMod(NaiveEngram.mix(negative, t, order, m, PADDING), p);
                assertTrue(below >= 0 && below < p);
            }
        }
    }

    @Property
    void differentMixesCollideInFewHeads(
            @ForAll @IntRange(min = 11, max = 3_000_000) int size,
            @ForAll @LongRange(min = 0, max = Long.MAX_VALUE / 4) long mix,
            @ForAll @IntRange(min = 0, max = 8) int constructed) {
        int[] moduli = PrimeModuliProperties.flat(PrimeModuli.find(1, List.of(size), 8)[0]);
        long gap = 1;
        for (int i = 0; i < constructed && gap <= Long.MAX_VALUE / 4 / moduli[i]; i++) {
            gap *= moduli[i];
        }
        long other = mix + gap;
        int collisions = 0;
        for (int p : moduli) {
            collisions += mix % p == other % p ? 1 : 0;
        }
        assertTrue(collisions <= (int) (63 * Math.log(2) / Math.log(moduli[0])));
    }

    @Property(tries = 40)
    void sequencesOfABatchAreIndependent(@ForAll("sequences") int[] ids, @ForAll("configs") NgramHashConfig config) {
        NgramHash hash = config.init();
        int[] reversed = new int[ids.length];
        Arrays.setAll(reversed, i -> ids[ids.length - 1 - i]);
        Tensor both = backend.tensors().ints(Shape.of(2, ids.length), concat(ids, reversed));
        assertArrayEquals(
                concat(rows(hash, LAYER, ids), rows(hash, LAYER, reversed)),
                hash.rows(both).of(LAYER).toInts());
    }

    @Example
    void compressedIdsAreHashed() {
        int[] lookup = new int[VOCABULARY * 2];
        Arrays.setAll(lookup, id -> id % VOCABULARY);
        NgramHash folded = tiny(VocabularyCompression.of(lookup));
        assertArrayEquals(rows(tiny, LAYER, 5, 3, 0, 2), rows(folded, LAYER, 21, 3, 16, 18));
    }

    @Example
    void emptySequencesHaveNoRows() {
        assertEquals(Shape.of(1, 0, 4), tiny.rows(tensor()).of(LAYER).shape());
        Tensor none = backend.tensors().ints(Shape.of(0, 7), new int[0]);
        assertEquals(Shape.of(0, 7, 4), tiny.rows(none).of(LAYER).shape());
        assertFalse(tiny.rows(none).live().isPresent());
    }

    @Example
    void saysWhatIsWrong() {
        assertThrows(IndexOutOfBoundsException.class, () -> tiny.rows(tensor(16)));
        HashHistory history = tiny.history();
        assertThrows(IndexOutOfBoundsException.class, () -> tiny.rows(tensor(1, 16), List.of(history)));
        assertEquals(0, history.length(), "a refused batch leaves no trace");
        assertThrows(ShapeException.class, () -> tiny.rows(tensor(1), List.of()));
        assertThrows(ShapeException.class, () -> tiny.rows(tensor(1, 2), tensor(1)));
        assertThrows(ShapeException.class, () -> tiny.rows(backend.tensors().zeros(Shape.of(1, 1))));
        assertThrows(IllegalArgumentException.class, () -> tiny.layer(2));
        assertThrows(IllegalArgumentException.class, () -> tiny.rows(tensor(1)).of(2));
        assertThrows(IllegalArgumentException.class, () -> history.truncate(1));
        Context late = Context.inference(tensor(1)).at(3);
        var refused = assertThrows(IllegalStateException.class, () -> tiny.prepare(late));
        assertTrue(refused.toString().contains("EngramCache"), refused.toString());
        assertThrows(IllegalStateException.class, () -> tiny.prepare(Context.inference()));
    }

    @Example
    void refusesConfigurationsThatCannotWork() {
        NgramHashConfig config = tiny.config();
        assertThrows(IllegalArgumentException.class, () -> config.withOrders(3, 2));
        assertThrows(IllegalArgumentException.class, () -> config.withOrders(0));
        assertThrows(IllegalArgumentException.class, () -> config.withLayers(List.of(1, 1)));
        assertThrows(IllegalArgumentException.class, () -> config.withLayers(List.of()));
        assertThrows(IllegalArgumentException.class, () -> config.withLayers(List.of(-1)));
        assertThrows(IllegalArgumentException.class, () -> config.withHeads(0));
        assertThrows(IllegalArgumentException.class, () -> config.withRowsPerHead(0));
        assertThrows(IllegalArgumentException.class, () -> config.withSeed(-1));
        assertThrows(IllegalArgumentException.class, () -> config.withPadding(16));
        assertThrows(
                IllegalArgumentException.class,
                () -> config.withBarriers(Barriers.none().withDead(16)));
        assertThrows(
                IllegalArgumentException.class,
                () -> config.withBarriers(Barriers.none().withStarts(-1)));
        assertThrows(
                IllegalArgumentException.class,
                () -> new NgramHashConfig(
                        config.vocabulary(), List.of(2, 3), 1, List.of(5), List.of(0), 0, 0, Barriers.none()));
    }

    @Provide
    Arbitrary<int[]> sequences() {
        return Arbitraries.integers()
                .between(-1, VOCABULARY - 1)
                .array(int[].class)
                .ofMaxSize(40);
    }

    @Provide
    Arbitrary<int[]> text() {
        return Arbitraries.integers()
                .between(0, VOCABULARY - 3)
                .array(int[].class)
                .ofMaxSize(20);
    }

    @Provide
    Arbitrary<NgramHashConfig> configs() {
        NgramHashConfig plain = tiny.config();
        Barriers barriers = Barriers.none().withDead(DEAD).withStarts(START);
        return Arbitraries.of(Stream.of(
                        plain,
                        plain.withOrders(2, 3, 4).withHeads(3),
                        plain.withOrders(1, 5).withSeed(9),
                        plain.withOrders(3).withHeads(1).withRowsPerHead(1))
                .map(config -> config.withBarriers(barriers))
                .toList());
    }

    private Tensor tensor(int... ids) {
        return backend.tensors().ints(Shape.of(1, ids.length), ids);
    }

    private int[] rows(NgramHash hash, int layer, int... ids) {
        return hash.rows(tensor(ids)).of(layer).toInts();
    }

    private static int[] minus(int[] rows, int[] offsets) {
        int[] local = new int[rows.length];
        Arrays.setAll(local, i -> rows[i] - offsets[i % offsets.length]);
        return local;
    }

    private static int[] concat(int[] a, int[] b) {
        int[] joined = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, joined, a.length, b.length);
        return joined;
    }

    private static int[] tail(int[] values, int count) {
        return Arrays.copyOfRange(values, values.length - count, values.length);
    }
}
