package org.filigree.mhc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.filigree.core.random.RandomStream;
import org.ojalgo.matrix.decomposition.SingularValue;
import org.ojalgo.matrix.store.RawStore;
import org.ojalgo.optimisation.Expression;
import org.ojalgo.optimisation.ExpressionsBasedModel;
import org.ojalgo.optimisation.Optimisation;
import org.ojalgo.optimisation.Variable;

/** The instruments against ojAlgo's singular values and linear programs. */
class InstrumentsProperties {
    static {
        // The module under test must not require ojAlgo; its tests may read it where it came with the backend of that
        // name.
        ModuleLayer.boot().findModule("ojalgo").ifPresent(InstrumentsProperties.class.getModule()::addReads);
    }

    @Property(tries = 100)
    void spectralNormIsTheLargestSingularValue(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = -6, max = 6) double decades,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        double[][] matrix = new double[n][n];
        for (double[] row : matrix) {
            double size = Math.pow(10, decades * random.nextGaussian());
            Arrays.setAll(row, j -> size * random.nextGaussian());
        }
        SingularValue<Double> reference = SingularValue.R064.make(n, n);
        assertTrue(reference.decompose(RawStore.wrap(matrix)));
        double expected = reference.getOperatorNorm();
        assertEquals(expected, SpectralNorm.of(matrix), 1e-12 * expected);
    }

    @Property(tries = 60)
    void spectralNormIsBoundedByTheGains(
            @ForAll @IntRange(min = 1, max = 8) int n,
            @ForAll @DoubleRange(min = 0, max = 8) double spread,
            @ForAll long seed) {
        MixFigures figures = MixFigures.of(mix(n, 20, 1e-6, spread, RandomStream.of(seed)));
        double bound = Math.sqrt(figures.gain().forward() * figures.gain().backward());
        assertTrue(figures.spectralNorm() <= bound * (1 + 1e-14), figures::toString);
        assertTrue(figures.rows() <= 3e-6 && figures.entropy() <= Math.log(n) + 1e-14, figures::toString);
    }

    @Property(tries = 40)
    void aConvergedMixIsAConvexCombinationOfPermutations(
            @ForAll @IntRange(min = 1, max = 5) int n,
            @ForAll @DoubleRange(min = 0, max = 2) double spread,
            @ForAll long seed) {
        double[][] mix = mix(n, 4000, 0, spread, RandomStream.of(seed));
        MixFigures figures = MixFigures.of(mix);
        double off = Math.max(figures.rows(), figures.columns());
        assertEquals(0, off, 1e-9);
        assertEquals(1, figures.spectralNorm(), 1e-9);
        BirkhoffDecomposition ours = BirkhoffDecomposition.of(mix);
        assertTrue(ours.terms().size() <= n * n - 2 * n + 2, ours::toString);
        assertEquals(
                1,
                ours.terms().stream()
                        .mapToDouble(BirkhoffDecomposition.Term::weight)
                        .sum(),
                1e-8);
        double[][] recomposed = ours.recomposed();
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                assertEquals(mix[i][j], recomposed[i][j], 1e-8);
            }
        }
        assertEquals(0, distanceFromPermutations(mix), 1e-8);
    }

    @Property(tries = 20)
    void otherMatricesAreNot(@ForAll @IntRange(min = 2, max = 4) int n, @ForAll long seed) {
        double[][] mix = mix(n, 20, 0, 1, RandomStream.of(seed));
        int row = (int) Math.floorMod(seed, (long) n);
        mix[row][0] += 0.2;
        double rest = BirkhoffDecomposition.of(mix).rest();
        assertTrue(rest > 0.2 / n - 1e-6, "rest " + rest);
        double distance = distanceFromPermutations(mix);
        assertTrue(distance > 0.2 / (2 * n) - 1e-6, "distance " + distance);
        assertTrue(MixFigures.of(mix).rows() > 0.19);
        assertTrue(MixFigures.of(mix).columns() > 0.19);
    }

    @Property(tries = 60)
    void gainsOfProductsAreBoundedByProductsOfGains(
            @ForAll @IntRange(min = 1, max = 6) int n,
            @ForAll @IntRange(min = 1, max = 9) int depth,
            @ForAll @DoubleRange(min = 0, max = 8) double spread,
            @ForAll long seed) {
        RandomStream random = RandomStream.of(seed);
        var mixes = new ArrayList<double[][]>();
        for (int l = 0; l < depth; l++) {
            mixes.add(mix(n, 20, 1e-6, spread, random.fork(l)));
        }
        List<Gain> composites = Gain.throughDepth(mixes);
        double forward = 1;
        for (int l = 0; l < depth; l++) {
            forward *= Gain.of(mixes.get(l)).forward();
            assertTrue(composites.get(l).forward() <= forward * (1 + 1e-14));
            assertTrue(composites.get(l).forward() <= 1 + 1e-14);
            assertTrue(composites.get(l).forward() >= Math.pow(1 - 2e-6, l + 1.0));
            Gain upTo = Gain.ofComposite(mixes.subList(0, l + 1));
            assertEquals(upTo.forward(), composites.get(l).forward(), 1e-14);
            Gain from = Gain.ofComposite(mixes.subList(l, depth));
            assertEquals(from.backward(), composites.get(l).backward(), 1e-13);
        }
    }

    /** In the paper's orientation, rows are targets. */
    private static double[][] mix(int n, int iterations, double eps, double spread, RandomStream random) {
        double[] logits = new double[n * n];
        Arrays.setAll(logits, i -> spread * random.nextGaussian());
        double[] comb = new NaiveSinkhorn(n, iterations, eps).forward(logits);
        double[][] mix = new double[n][n];
        for (int source = 0; source < n; source++) {
            for (int target = 0; target < n; target++) {
                mix[target][source] = comb[source * n + target];
            }
        }
        return mix;
    }

    /** The least t such that some convex combination of all n! permutations differs by at most t in every entry: a linear program. */
    private static double distanceFromPermutations(double[][] mix) {
        int n = mix.length;
        var model = new ExpressionsBasedModel();
        Variable distance = model.addVariable("t").lower(0).weight(1);
        Expression total = model.addExpression("convex").level(1);
        Expression[][] above = new Expression[n][n];
        Expression[][] below = new Expression[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                above[i][j] = model.addExpression().lower(mix[i][j]).set(distance, 1);
                below[i][j] = model.addExpression().upper(mix[i][j]).set(distance, -1);
            }
        }
        for (int[] permutation : permutations(n)) {
            Variable weight = model.addVariable().lower(0);
            total.set(weight, 1);
            for (int i = 0; i < n; i++) {
                above[i][permutation[i]].set(weight, 1);
                below[i][permutation[i]].set(weight, 1);
            }
        }
        Optimisation.Result result = model.minimise();
        assertTrue(result.getState().isOptimal(), result::toString);
        return result.getValue();
    }

    private static List<int[]> permutations(int n) {
        List<int[]> all = List.of(new int[0]);
        for (int length = 0; length < n; length++) {
            var longer = new ArrayList<int[]>();
            for (int[] shorter : all) {
                for (int place = 0; place <= length; place++) {
                    int[] next = new int[length + 1];
                    System.arraycopy(shorter, 0, next, 0, place);
                    next[place] = length;
                    System.arraycopy(shorter, place, next, place + 1, length - place);
                    longer.add(next);
                }
            }
            all = longer;
        }
        return all;
    }
}
