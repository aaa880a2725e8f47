package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import tools.jackson.databind.JsonNode;

class PrimeModuliProperties {
    @Example
    void findsThePublishedModuli() {
        for (JsonNode each : Golden.at("primes").values()) {
            int[] layers = Golden.ints(each.get("layer_ids"));
            int[] sizes = Golden.ints(each.get("vocab_per_order"));
            int[][][] found = PrimeModuli.find(
                    layers.length,
                    Arrays.stream(sizes).boxed().toList(),
                    each.get("heads").asInt());
            for (int i = 0; i < layers.length; i++) {
                String layer = String.valueOf(layers[i]);
                assertArrayEquals(Golden.ints(each.get("moduli_by_layer").get(layer)), flat(found[i]));
                var hash = new LayerHash(layers[i], orders(sizes.length), new long[9], found[i]);
                assertArrayEquals(Golden.ints(each.get("offsets_by_layer").get(layer)), hash.offsets());
                assertEquals(each.get("rows_by_layer").get(layer).asLong(), hash.rows());
            }
        }
    }

    @Property(tries = 60)
    void moduliAreDistinctPrimesFromTheirSizeOn(
            @ForAll @IntRange(min = 1, max = 3) int layers,
            @ForAll @Size(min = 1, max = 3) List<@IntRange(min = 1, max = 300) Integer> sizes,
            @ForAll @IntRange(min = 1, max = 4) int heads) {
        var seen = new HashSet<Integer>();
        for (int[][] layer : PrimeModuli.find(layers, sizes, heads)) {
            for (int order = 0; order < layer.length; order++) {
                for (int p : layer[order]) {
                    assertTrue(BigInteger.valueOf(p).isProbablePrime(40));
                    assertTrue(p >= sizes.get(order));
                    assertTrue(seen.add(p));
                }
            }
        }
    }

    @Property(tries = 40)
    void equalSizesGiveOneRunOfPrimes(
            @ForAll @IntRange(min = 1, max = 3) int layers,
            @ForAll @IntRange(min = 1, max = 1_000_000) int size,
            @ForAll @IntRange(min = 1, max = 5) int heads) {
        int[] moduli = Arrays.stream(PrimeModuli.find(layers, List.of(size, size), heads))
                .flatMapToInt(layer -> Arrays.stream(flat(layer)))
                .toArray();
        assertEquals(BigInteger.valueOf(size - 1L).nextProbablePrime().intValueExact(), moduli[0]);
        for (int i = 1; i < moduli.length; i++) {
            assertEquals(BigInteger.valueOf(moduli[i - 1]).nextProbablePrime().intValueExact(), moduli[i]);
        }
    }

    @Property(tries = 40)
    void anotherOrderOfLayersPermutesTheModuli(@ForAll @IntRange(min = 1, max = 5000) int size) {
        var hash = NgramHashConfig.of(VocabularyCompression.identity(9), 3, 2, size, 0, 4, 7)
                .init();
        var other = NgramHashConfig.of(VocabularyCompression.identity(9), 3, 2, size, 0, 7, 4)
                .init();
        assertArrayEquals(hash.layer(4).moduli(), other.layer(7).moduli());
        assertArrayEquals(hash.layer(7).moduli(), other.layer(4).moduli());
        assertArrayEquals(hash.layer(4).multipliers(), other.layer(4).multipliers());
    }

    @Property(tries = 300)
    void primeAgreesWithAnIndependentTest(@ForAll int n) {
        assertEquals(n > 1 && BigInteger.valueOf(n).isProbablePrime(60), PrimeModuli.prime(n));
    }

    @Example
    void primeIsExactBelowTenThousand() {
        var composite = new boolean[10_000];
        for (int n = 0; n < composite.length; n++) {
            boolean expected = n >= 2 && !composite[n];
            assertEquals(expected, PrimeModuli.prime(n), "prime(" + n + ")");
            if (expected) {
                for (int multiple = 2 * n; multiple < composite.length; multiple += n) {
                    composite[multiple] = true;
                }
            }
        }
    }

    @Example
    void endsAtTheLargestPrimeBelowTwoToThe31() {
        int largest = Integer.MAX_VALUE;
        assertTrue(PrimeModuli.prime(largest));
        assertArrayEquals(new int[][][] {{{largest}}}, PrimeModuli.find(1, List.of(largest), 1));
        assertThrows(IllegalArgumentException.class, () -> PrimeModuli.find(1, List.of(largest), 2));
    }

    @Example
    void refusesTablesWhoseRowNumbersDoNotFit() {
        var refused = assertThrows(
                IllegalArgumentException.class,
                () -> NgramHashConfig.of(VocabularyCompression.identity(9), 4, 8, 200_000_000, 0, 1)
                        .init());
        assertTrue(refused.toString().contains("24 columns"), refused.toString());
    }

    static int[] flat(int[][] moduli) {
        return Arrays.stream(moduli).flatMapToInt(Arrays::stream).toArray();
    }

    private static List<Integer> orders(int count) {
        return count == 0
                ? Collections.emptyList()
                : IntStream.rangeClosed(2, count + 1).boxed().toList();
    }
}
