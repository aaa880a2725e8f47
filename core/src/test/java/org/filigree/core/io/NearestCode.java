package org.filigree.core.io;

import java.util.function.IntToDoubleFunction;

/**
 * The slow oracle of rounding: of all codes, the nearest; of two equally near, the even one. Codes must rise with
 * their values.
 */
final class NearestCode {
    private NearestCode() {}

    static int of(double magnitude, int codes, IntToDoubleFunction value) {
        int best = 0;
        for (int code = 1; code < codes; code++) {
            double distance = Math.abs(value.applyAsDouble(code) - magnitude);
            double bestDistance = Math.abs(value.applyAsDouble(best) - magnitude);
            if (distance < bestDistance || (distance == bestDistance && code % 2 == 0)) {
                best = code;
            }
        }
        return best;
    }
}
