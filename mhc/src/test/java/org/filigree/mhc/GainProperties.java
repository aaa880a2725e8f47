package org.filigree.mhc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.random.RandomStream;
import org.filigree.core.testkit.Sample;

class GainProperties {
    @Property(tries = 60)
    void aProductOfPermutationsHasGainOne(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @IntRange(min = 1, max = 6) int depth,
            @ForAll long seed) {
        List<double[][]> permutations = IntStream.range(0, depth)
                .mapToObj(l -> permutation(RandomStream.of(seed).fork(l).permutation(n)))
                .toList();
        for (double[][] permutation : permutations) {
            assertEquals(new Gain(1, 1), Gain.of(permutation));
        }
        assertEquals(new Gain(1, 1), Gain.ofComposite(permutations));
    }

    @Property(tries = 100)
    void aProductWithoutNegativeEntriesGainsNoMoreThanItsFactors(
            @ForAll @IntRange(min = 1, max = 8) int n, @ForAll long seed) {
        double[][] a = positive(n, RandomStream.of(seed).fork("a"));
        double[][] b = positive(n, RandomStream.of(seed).fork("b"));
        Gain product = Gain.ofComposite(List.of(a, b));
        double rounding = 1 + 1e-13;
        assertTrue(product.forward() <= Gain.of(a).forward() * Gain.of(b).forward() * rounding);
        assertTrue(product.backward() <= Gain.of(a).backward() * Gain.of(b).backward() * rounding);
    }

    private static double[][] permutation(int[] sourceOf) {
        double[][] matrix = new double[sourceOf.length][sourceOf.length];
        for (int target = 0; target < sourceOf.length; target++) {
            matrix[target][sourceOf[target]] = 1;
        }
        return matrix;
    }

    private static double[][] positive(int n, RandomStream random) {
        return new SquareMatrix(
                        n,
                        Sample.gaussian("matrix", random, n, n).map(Math::abs).values())
                .rows();
    }
}
