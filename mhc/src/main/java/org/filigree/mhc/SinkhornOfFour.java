package org.filigree.mhc;

import static org.filigree.core.backend.simd.VectorMath.F;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;

/** The inner loops of {@link SinkhornLanes} at n = 4: a group of matrices is 16 vectors, rows a to d, which stay in registers. */
final class SinkhornOfFour {
    private static final int BLOCK = 16 * LANES;

    private SinkhornOfFour() {}

    /** Divides columns, rows, columns and so on; step i leaves its result {@code stride} floats after its argument. */
    static void divide(float[] x, int at, int stride, int iterations, float eps) {
        FloatVector one = FloatVector.broadcast(F, 1f);
        FloatVector a0 = FloatVector.fromArray(F, x, at);
        FloatVector a1 = FloatVector.fromArray(F, x, at + LANES);
        FloatVector a2 = FloatVector.fromArray(F, x, at + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(F, x, at + 3 * LANES);
        FloatVector b0 = FloatVector.fromArray(F, x, at + 4 * LANES);
        FloatVector b1 = FloatVector.fromArray(F, x, at + 5 * LANES);
        FloatVector b2 = FloatVector.fromArray(F, x, at + 6 * LANES);
        FloatVector b3 = FloatVector.fromArray(F, x, at + 7 * LANES);
        FloatVector c0 = FloatVector.fromArray(F, x, at + 8 * LANES);
        FloatVector c1 = FloatVector.fromArray(F, x, at + 9 * LANES);
        FloatVector c2 = FloatVector.fromArray(F, x, at + 10 * LANES);
        FloatVector c3 = FloatVector.fromArray(F, x, at + 11 * LANES);
        FloatVector d0 = FloatVector.fromArray(F, x, at + 12 * LANES);
        FloatVector d1 = FloatVector.fromArray(F, x, at + 13 * LANES);
        FloatVector d2 = FloatVector.fromArray(F, x, at + 14 * LANES);
        FloatVector d3 = FloatVector.fromArray(F, x, at + 15 * LANES);
        int to = at;
        for (int t = 0; t < iterations; t++) {
            if (t > 0) {
                FloatVector r = one.div(a0.add(a1).add(a2.add(a3)).add(eps));
                a0 = a0.mul(r);
                a1 = a1.mul(r);
                a2 = a2.mul(r);
                a3 = a3.mul(r);
                r = one.div(b0.add(b1).add(b2.add(b3)).add(eps));
                b0 = b0.mul(r);
                b1 = b1.mul(r);
                b2 = b2.mul(r);
                b3 = b3.mul(r);
                r = one.div(c0.add(c1).add(c2.add(c3)).add(eps));
                c0 = c0.mul(r);
                c1 = c1.mul(r);
                c2 = c2.mul(r);
                c3 = c3.mul(r);
                r = one.div(d0.add(d1).add(d2.add(d3)).add(eps));
                d0 = d0.mul(r);
                d1 = d1.mul(r);
                d2 = d2.mul(r);
                d3 = d3.mul(r);
                to += stride;
                if (stride > 0) {
                    a0.intoArray(x, to);
                    a1.intoArray(x, to + LANES);
                    a2.intoArray(x, to + 2 * LANES);
                    a3.intoArray(x, to + 3 * LANES);
                    b0.intoArray(x, to + 4 * LANES);
                    b1.intoArray(x, to + 5 * LANES);
                    b2.intoArray(x, to + 6 * LANES);
                    b3.intoArray(x, to + 7 * LANES);
                    c0.intoArray(x, to + 8 * LANES);
                    c1.intoArray(x, to + 9 * LANES);
                    c2.intoArray(x, to + 10 * LANES);
                    c3.intoArray(x, to + 11 * LANES);
                    d0.intoArray(x, to + 12 * LANES);
                    d1.intoArray(x, to + 13 * LANES);
                    d2.intoArray(x, to + 14 * LANES);
                    d3.intoArray(x, to + 15 * LANES);
                }
            }
            FloatVector r = one.div(a0.add(b0).add(c0.add(d0)).add(eps));
            a0 = a0.mul(r);
            b0 = b0.mul(r);
            c0 = c0.mul(r);
            d0 = d0.mul(r);
            r = one.div(a1.add(b1).add(c1.add(d1)).add(eps));
            a1 = a1.mul(r);
            b1 = b1.mul(r);
            c1 = c1.mul(r);
            d1 = d1.mul(r);
            r = one.div(a2.add(b2).add(c2.add(d2)).add(eps));
            a2 = a2.mul(r);
            b2 = b2.mul(r);
            c2 = c2.mul(r);
            d2 = d2.mul(r);
            r = one.div(a3.add(b3).add(c3.add(d3)).add(eps));
            a3 = a3.mul(r);
            b3 = b3.mul(r);
            c3 = c3.mul(r);
            d3 = d3.mul(r);
            to += stride;
            a0.intoArray(x, to);
            a1.intoArray(x, to + LANES);
            a2.intoArray(x, to + 2 * LANES);
            a3.intoArray(x, to + 3 * LANES);
            b0.intoArray(x, to + 4 * LANES);
            b1.intoArray(x, to + 5 * LANES);
            b2.intoArray(x, to + 6 * LANES);
            b3.intoArray(x, to + 7 * LANES);
            c0.intoArray(x, to + 8 * LANES);
            c1.intoArray(x, to + 9 * LANES);
            c2.intoArray(x, to + 10 * LANES);
            c3.intoArray(x, to + 11 * LANES);
            d0.intoArray(x, to + 12 * LANES);
            d1.intoArray(x, to + 13 * LANES);
            d2.intoArray(x, to + 14 * LANES);
            d3.intoArray(x, to + 15 * LANES);
        }
    }

    /** Takes h back through all steps, whose results lie one after the other behind x₀. */
    static void walkBack(float[] scratch, int hAt, int x0At, int iterations) {
        FloatVector a0 = FloatVector.fromArray(F, scratch, hAt);
        FloatVector a1 = FloatVector.fromArray(F, scratch, hAt + LANES);
        FloatVector a2 = FloatVector.fromArray(F, scratch, hAt + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(F, scratch, hAt + 3 * LANES);
        FloatVector b0 = FloatVector.fromArray(F, scratch, hAt + 4 * LANES);
        FloatVector b1 = FloatVector.fromArray(F, scratch, hAt + 5 * LANES);
        FloatVector b2 = FloatVector.fromArray(F, scratch, hAt + 6 * LANES);
        FloatVector b3 = FloatVector.fromArray(F, scratch, hAt + 7 * LANES);
        FloatVector c0 = FloatVector.fromArray(F, scratch, hAt + 8 * LANES);
        FloatVector c1 = FloatVector.fromArray(F, scratch, hAt + 9 * LANES);
        FloatVector c2 = FloatVector.fromArray(F, scratch, hAt + 10 * LANES);
        FloatVector c3 = FloatVector.fromArray(F, scratch, hAt + 11 * LANES);
        FloatVector d0 = FloatVector.fromArray(F, scratch, hAt + 12 * LANES);
        FloatVector d1 = FloatVector.fromArray(F, scratch, hAt + 13 * LANES);
        FloatVector d2 = FloatVector.fromArray(F, scratch, hAt + 14 * LANES);
        FloatVector d3 = FloatVector.fromArray(F, scratch, hAt + 15 * LANES);
        int at = x0At + (2 * iterations - 1) * BLOCK;
        for (int t = iterations; t > 0; t--) {
            FloatVector q = a0.add(b0).add(c0.add(d0)).neg();
            a0 = FloatVector.fromArray(F, scratch, at).fma(q, a0);
            b0 = FloatVector.fromArray(F, scratch, at + 4 * LANES).fma(q, b0);
            c0 = FloatVector.fromArray(F, scratch, at + 8 * LANES).fma(q, c0);
            d0 = FloatVector.fromArray(F, scratch, at + 12 * LANES).fma(q, d0);
            q = a1.add(b1).add(c1.add(d1)).neg();
            a1 = FloatVector.fromArray(F, scratch, at + LANES).fma(q, a1);
            b1 = FloatVector.fromArray(F, scratch, at + 5 * LANES).fma(q, b1);
            c1 = FloatVector.fromArray(F, scratch, at + 9 * LANES).fma(q, c1);
            d1 = FloatVector.fromArray(F, scratch, at + 13 * LANES).fma(q, d1);
            q = a2.add(b2).add(c2.add(d2)).neg();
            a2 = FloatVector.fromArray(F, scratch, at + 2 * LANES).fma(q, a2);
            b2 = FloatVector.fromArray(F, scratch, at + 6 * LANES).fma(q, b2);
            c2 = FloatVector.fromArray(F, scratch, at + 10 * LANES).fma(q, c2);
            d2 = FloatVector.fromArray(F, scratch, at + 14 * LANES).fma(q, d2);
            q = a3.add(b3).add(c3.add(d3)).neg();
            a3 = FloatVector.fromArray(F, scratch, at + 3 * LANES).fma(q, a3);
            b3 = FloatVector.fromArray(F, scratch, at + 7 * LANES).fma(q, b3);
            c3 = FloatVector.fromArray(F, scratch, at + 11 * LANES).fma(q, c3);
            d3 = FloatVector.fromArray(F, scratch, at + 15 * LANES).fma(q, d3);
            at -= BLOCK;
            if (t > 1) {
                q = a0.add(a1).add(a2.add(a3)).neg();
                a0 = FloatVector.fromArray(F, scratch, at).fma(q, a0);
                a1 = FloatVector.fromArray(F, scratch, at + LANES).fma(q, a1);
                a2 = FloatVector.fromArray(F, scratch, at + 2 * LANES).fma(q, a2);
                a3 = FloatVector.fromArray(F, scratch, at + 3 * LANES).fma(q, a3);
                q = b0.add(b1).add(b2.add(b3)).neg();
                b0 = FloatVector.fromArray(F, scratch, at + 4 * LANES).fma(q, b0);
                b1 = FloatVector.fromArray(F, scratch, at + 5 * LANES).fma(q, b1);
                b2 = FloatVector.fromArray(F, scratch, at + 6 * LANES).fma(q, b2);
                b3 = FloatVector.fromArray(F, scratch, at + 7 * LANES).fma(q, b3);
                q = c0.add(c1).add(c2.add(c3)).neg();
                c0 = FloatVector.fromArray(F, scratch, at + 8 * LANES).fma(q, c0);
                c1 = FloatVector.fromArray(F, scratch, at + 9 * LANES).fma(q, c1);
                c2 = FloatVector.fromArray(F, scratch, at + 10 * LANES).fma(q, c2);
                c3 = FloatVector.fromArray(F, scratch, at + 11 * LANES).fma(q, c3);
                q = d0.add(d1).add(d2.add(d3)).neg();
                d0 = FloatVector.fromArray(F, scratch, at + 12 * LANES).fma(q, d0);
                d1 = FloatVector.fromArray(F, scratch, at + 13 * LANES).fma(q, d1);
                d2 = FloatVector.fromArray(F, scratch, at + 14 * LANES).fma(q, d2);
                d3 = FloatVector.fromArray(F, scratch, at + 15 * LANES).fma(q, d3);
                at -= BLOCK;
            }
        }
        a0.intoArray(scratch, hAt);
        a1.intoArray(scratch, hAt + LANES);
        a2.intoArray(scratch, hAt + 2 * LANES);
        a3.intoArray(scratch, hAt + 3 * LANES);
        b0.intoArray(scratch, hAt + 4 * LANES);
        b1.intoArray(scratch, hAt + 5 * LANES);
        b2.intoArray(scratch, hAt + 6 * LANES);
        b3.intoArray(scratch, hAt + 7 * LANES);
        c0.intoArray(scratch, hAt + 8 * LANES);
        c1.intoArray(scratch, hAt + 9 * LANES);
        c2.intoArray(scratch, hAt + 10 * LANES);
        c3.intoArray(scratch, hAt + 11 * LANES);
        d0.intoArray(scratch, hAt + 12 * LANES);
        d1.intoArray(scratch, hAt + 13 * LANES);
        d2.intoArray(scratch, hAt + 14 * LANES);
        d3.intoArray(scratch, hAt + 15 * LANES);
    }
}
