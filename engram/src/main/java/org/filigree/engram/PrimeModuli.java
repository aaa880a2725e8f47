package org.filigree.engram;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The moduli of the hash heads: for every layer in the order given, every order of n-gram and every head, the next prime that is not
 * below the order's least size and that no head of the model has yet. Distinct primes make two contexts that collide in one head
 * differ in most others.
 */
final class PrimeModuli {
    /** Enough bases for a Miller–Rabin test without error below 3.2·10⁹ (Pomerance, Selfridge and Wagstaff, 1980). */
    private static final int[] WITNESSES = {2, 3, 5, 7};

    private PrimeModuli() {}

    /**
     * Finds all moduli of a model.
     *
     * @param layers how many layers there are
     * @param sizes least number of rows of a head, for each order
     * @param heads heads of each order
     * @return [layers][orders][heads]
     * @throws IllegalArgumentException if a modulus would pass 2³¹
     */
    static int[][][] find(int layers, List<Integer> sizes, int heads) {
        Set<Integer> used = new HashSet<>();
        int[][][] moduli = new int[layers][sizes.size()][heads];
        for (int[][] layer : moduli) {
            for (int order = 0; order < layer.length; order++) {
                int cursor = sizes.get(order) - 1;
                for (int head = 0; head < heads; head++) {
                    cursor = next(cursor, used);
                    layer[order][head] = cursor;
                }
            }
        }
        return moduli;
    }

    private static int next(int after, Set<Integer> used) {
        for (int candidate = after + 1; candidate > 0; candidate++) {
            if (prime(candidate) && used.add(candidate)) {
                return candidate;
            }
        }
        throw new IllegalArgumentException("engram: there are not enough primes between " + after
                + " and 2^31 for another head; make rowsPerHead smaller");
    }

    /**
     * Whether a number is prime.
     *
     * @param n any number
     * @return true if it is
     */
    static boolean prime(int n) {
        if (n < 2) {
            return false;
        }
        for (int witness : WITNESSES) {
            if (n % witness == 0) {
                return n == witness;
            }
        }
        int twos = Integer.numberOfTrailingZeros(n - 1);
        for (int witness : WITNESSES) {
            if (composite(n, witness, (n - 1) >>> twos, twos)) {
                return false;
            }
        }
        return true;
    }

    private static boolean composite(int n, int witness, int odd, int twos) {
        long x = power(witness, odd, n);
        if (x == 1 || x == n - 1) {
            return false;
        }
        for (int i = 1; i < twos; i++) {
            x = x * x % n;
            if (x == n - 1) {
                return false;
            }
        }
        return true;
    }

    private static long power(long base, int exponent, int modulus) {
        long result = 1;
        long square = base % modulus;
        for (int e = exponent; e > 0; e >>>= 1) {
            if ((e & 1) == 1) {
                result = result * square % modulus;
            }
            square = square * square % modulus;
        }
        return result;
    }
}
