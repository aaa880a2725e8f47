package org.filigree.mhc;

/** The mix of one token by plain loops in double, one implementation a constrained form. Row-major, entry j·n + k from source j to target k. */
interface NaiveMix {
    /** comb [n·n] of the form's logits. */
    double[] forward(double[] logits);

    /** Gradient of the logits from that of comb. */
    double[] backward(double[] logits, double[] upstream);

    static NaiveMix of(Mixing mixing, int n) {
        return switch (mixing) {
            case Mixing.DoublyStochastic(int iterations, double eps) -> new NaiveSinkhorn(n, iterations, eps);
            case Mixing.Lagged(int iterations, double eps) -> new NaiveSinkhorn(n, iterations, eps);
            case Mixing.Paper(int iterations) -> new NaivePaperSinkhorn(n, iterations);
            case Mixing.Permutations() -> new NaivePermutations(n);
            case Mixing.Kronecker() -> new NaiveKronecker(n);
            case Mixing.Identity() -> new NaiveIdentity(n);
            case Mixing.Residual _, Mixing.Fixed _, Mixing.Dynamic _ ->
                throw new IllegalArgumentException(mixing + " does not make its mix of logits");
        };
    }
}
