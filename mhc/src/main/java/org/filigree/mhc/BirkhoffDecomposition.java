package org.filigree.mhc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A doubly stochastic matrix as what it is by the theorem of Birkhoff and von Neumann, a convex combination of permutations:
 * M = Σ w_p·P_p. Greedy: the permutation whose smallest entry is largest is taken as often as that entry allows, until nothing is
 * left. Each takes at least one entry to 0, so there are at most n² − 2n + 2.
 *
 * @param terms weights and permutations, largest weight first
 * @param rest largest entry that no permutation explains; 0 up to rounding if and only if the matrix is a multiple of a doubly
 *     stochastic one
 */
public record BirkhoffDecomposition(List<Term> terms, double rest) {
    /** Copies the list. */
    public BirkhoffDecomposition {
        terms = List.copyOf(terms);
    }

    /**
     * One permutation.
     *
     * @param weight w
     * @param sources for each row of the matrix the column of its 1: which source the target takes
     */
    public record Term(double weight, List<Integer> sources) {
        /** Copies the list. */
        public Term {
            sources = List.copyOf(sources);
        }
    }

    /**
     * Decomposes a matrix.
     *
     * @param matrix square, without negative entries
     * @return its permutations
     * @throws org.filigree.core.tensor.ShapeException if it is not square
     * @throws IllegalArgumentException if an entry is negative or not finite
     */
    public static BirkhoffDecomposition of(double[][] matrix) {
        SquareMatrices.check("Birkhoff decomposition", matrix);
        int n = matrix.length;
        double[][] left = new double[n][];
        double scale = 0;
        for (int i = 0; i < n; i++) {
            for (double entry : matrix[i]) {
                if (!(entry >= 0 && entry < Double.POSITIVE_INFINITY)) {
                    throw new IllegalArgumentException("Birkhoff decomposition: row " + i + " "
                            + Arrays.toString(matrix[i])
                            + " must have finite entries of 0 or more; is the mix unconstrained?");
                }
                scale = Math.max(scale, entry);
            }
            left[i] = matrix[i].clone();
        }
        double rounding = scale * n * n * Math.ulp(1.0);
        var terms = new ArrayList<Term>();
        for (int[] sources = widest(left, rounding); sources.length == n; sources = widest(left, rounding)) {
            double weight = Double.POSITIVE_INFINITY;
            for (int i = 0; i < n; i++) {
                weight = Math.min(weight, left[i][sources[i]]);
            }
            for (int i = 0; i < n; i++) {
                left[i][sources[i]] -= weight;
            }
            terms.add(new Term(weight, Arrays.stream(sources).boxed().toList()));
        }
        double rest = Arrays.stream(left).flatMapToDouble(Arrays::stream).max().orElse(0);
        return new BirkhoffDecomposition(terms, rest);
    }

    /** {@return the sum of all permutations times their weights} */
    public double[][] recomposed() {
        int n = terms.isEmpty() ? 0 : terms.getFirst().sources.size();
        double[][] matrix = new double[n][n];
        for (Term term : terms) {
            for (int i = 0; i < n; i++) {
                matrix[i][term.sources.get(i)] += term.weight;
            }
        }
        return matrix;
    }

    /** The column for each row, distinct, with the largest smallest entry above a bound; empty if there is none. */
    private static int[] widest(double[][] matrix, double above) {
        double[] levels = Arrays.stream(matrix)
                .flatMapToDouble(Arrays::stream)
                .filter(entry -> entry > above)
                .sorted()
                .toArray();
        int[] best = new int[0];
        int from = 0;
        int to = levels.length;
        while (from < to) {
            int middle = (from + to) >>> 1;
            int[] matching = matching(matrix, levels[middle]);
            if (matching.length == 0) {
                to = middle;
            } else {
                best = matching;
                from = middle + 1;
            }
        }
        return best;
    }

    /** A perfect matching along entries of at least a level, by augmenting paths; empty if there is none. */
    private static int[] matching(double[][] matrix, double level) {
        int n = matrix.length;
        int[] rowOfColumn = new int[n];
        Arrays.fill(rowOfColumn, -1);
        for (int row = 0; row < n; row++) {
            if (!augments(matrix, level, row, rowOfColumn, new boolean[n])) {
                return new int[0];
            }
        }
        int[] columns = new int[n];
        for (int column = 0; column < n; column++) {
            columns[rowOfColumn[column]] = column;
        }
        return columns;
    }

    private static boolean augments(double[][] matrix, double level, int row, int[] rowOfColumn, boolean[] seen) {
        for (int column = 0; column < seen.length; column++) {
            if (matrix[row][column] >= level && !seen[column]) {
                seen[column] = true;
                if (rowOfColumn[column] < 0 || augments(matrix, level, rowOfColumn[column], rowOfColumn, seen)) {
                    rowOfColumn[column] = row;
                    return true;
                }
            }
        }
        return false;
    }
}
