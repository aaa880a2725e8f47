package org.filigree.mhc;

import static org.filigree.mhc.RowProducts.PANEL;
import static org.filigree.mhc.RowProducts.TILE;

import java.util.Arrays;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.simd.Sigmoid;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/**
 * {@link SubLayerKernel} in vector instructions. Sixteen tokens go through all steps before the next sixteen, so that their streams come
 * from memory once and from the second-level cache after that.
 *
 * @param backend whose tensors they are
 */
record VectorSubLayer(HostBackend backend) implements SubLayerKernel {
    /** Tokens that go through all steps together. At n = 4 and width 1024 their streams are 256 KiB. */
    private static final int GROUP = 16;

    /** Most ranges of tokens with sums of their own for the gradient of φ, and most floats in all of these. */
    private static final int MOST_RANGES = 32;

    private static final long MOST_PARTIAL_SUMS = 1L << 24;

    @Override
    public boolean supports(int streams, int width) {
        return width % PANEL == 0;
    }

    /** Sizes of a call. */
    private record Sizes(int n, int width, int tokens) {
        static Sizes of(Tensor x) {
            int rank = x.shape().rank();
            return new Sizes(x.dim(-2), x.dim(-1), (int) x.shape().count(0, rank - 2));
        }

        int row() {
            return n * width;
        }

        int rows() {
            return n * (n + 2);
        }
    }

    @Override
    public Read read(Tensor x, Operands operands) {
        Sizes sizes = Sizes.of(x);
        int n = sizes.n;
        Shape outer = x.shape().leading(-2);
        Shape line = outer.leading(outer.rank(), n);
        Shape square = line.leading(line.rank(), n);
        Shape rows = outer.leading(outer.rank(), sizes.rows());
        Shape input = outer.leading(outer.rank(), sizes.width);
        float[] u = HostFloats.allocate(input);
        float[] pre = HostFloats.allocate(line);
        float[] post = HostFloats.allocate(line);
        float[] comb = HostFloats.allocate(square);
        float[] m = HostFloats.allocate(rows);
        float[] inverse = HostFloats.allocate(outer);
        float[] in = HostFloats.of(x);
        float[] fn = HostFloats.of(operands.fn());
        float[] base = HostFloats.of(operands.base());
        float[] scale = HostFloats.of(operands.scale());
        float eps = (float) operands.form().eps();
        var sinkhorn = new SinkhornLanes(n, operands.form().iterations(), eps);
        backend.workers().parallelRanges(sizes.tokens, GROUP, (from, to) -> {
            project(in, sizes, from, to, fn, m);
            float[] gates = new float[2 * n * GROUP];
            float[] opened = new float[2 * n * GROUP];
            float[] logits = new float[n * n * GROUP];
            for (int t = from; t < to; t++) {
                int at = t * sizes.row();
                float r = (float) (1
                        / Math.sqrt(RowProducts.dot(in, at, in, at, sizes.row()) / (double) sizes.row()
                                + operands.normEps()));
                inverse[t] = r;
                for (int o = 0; o < sizes.rows(); o++) {
                    m[t * sizes.rows() + o] *= r;
                }
                split(m, t * sizes.rows(), scale, base, n, gates, (t - from) * 2 * n, logits, (t - from) * n * n);
            }
            Sigmoid.sigmoid(gates, opened, 0, (to - from) * 2 * n);
            sinkhorn.forward(logits, 0, to - from, comb, from * n * n, new float[sinkhorn.forwardScratch()]);
            for (int t = from; t < to; t++) {
                for (int j = 0; j < n; j++) {
                    pre[t * n + j] = opened[(t - from) * 2 * n + j] + eps;
                    post[t * n + j] = 2 * opened[(t - from) * 2 * n + n + j];
                }
                StreamLoops.weightedSum(pre, t * n, in, t * sizes.row(), n, sizes.width, u, t * sizes.width);
            }
        });
        return new Read(
                HostFloats.tensor(backend, input, u),
                new MixWeights(
                        HostFloats.tensor(backend, line, pre),
                        HostFloats.tensor(backend, line, post),
                        HostFloats.tensor(backend, square, comb)),
                HostFloats.tensor(backend, rows, m),
                HostFloats.tensor(backend, outer, inverse));
    }

    /** φ·v of each token, in tiles; those at the ends repeat the last row or token. */
    private static void project(float[] x, Sizes sizes, int from, int to, float[] fn, float[] m) {
        int k = sizes.row();
        int rows = sizes.rows();
        float[] lanes = new float[TILE * TILE * VectorMath.LANES];
        for (int t = from; t < to; t += TILE) {
            int t1 = Math.min(t + 1, to - 1);
            int t2 = Math.min(t + 2, to - 1);
            int t3 = Math.min(t + 3, to - 1);
            for (int o = 0; o < rows; o += TILE) {
                int o1 = Math.min(o + 1, rows - 1);
                int o2 = Math.min(o + 2, rows - 1);
                int o3 = Math.min(o + 3, rows - 1);
                RowProducts.dots(x, t * k, t1 * k, t2 * k, t3 * k, fn, o * k, o1 * k, o2 * k, o3 * k, k, lanes);
                for (int i = 0; i < Math.min(TILE, to - t); i++) {
                    System.arraycopy(lanes, i * TILE, m, (t + i) * rows + o, Math.min(TILE, rows - o));
                }
            }
        }
    }

    /** z = m∘α + b of one token: the gates' arguments to one place, the mix's logits to another. */
    private static void split(
            float[] m,
            int mAt,
            float[] scale,
            float[] base,
            int n,
            float[] gates,
            int gatesAt,
            float[] logits,
            int logitsAt) {
        for (int o = 0; o < 2 * n; o++) {
            gates[gatesAt + o] = m[mAt + o] * scale[o / n] + base[o];
        }
        for (int o = 0; o < n * n; o++) {
            logits[logitsAt + o] = m[mAt + 2 * n + o] * scale[2] + base[2 * n + o];
        }
    }

    @Override
    public Tensor write(Tensor x, Tensor y, Tensor post, Tensor comb) {
        Sizes sizes = Sizes.of(x);
        int n = sizes.n;
        int width = sizes.width;
        float[] in = HostFloats.of(x);
        float[] written = HostFloats.of(y);
        float[] w = HostFloats.of(post);
        float[] mix = HostFloats.of(comb);
        float[] out = HostFloats.allocate(x.shape());
        backend.workers().parallelRanges(sizes.tokens, GROUP, (from, to) -> {
            for (int t = from; t < to; t++) {
                for (int k = 0; k < n; k++) {
                    StreamLoops.target(
                            w[t * n + k],
                            written,
                            t * width,
                            mix,
                            t * n * n + k,
                            in,
                            t * sizes.row(),
                            n,
                            width,
                            out,
                            t * sizes.row() + k * width);
                }
            }
        });
        return HostFloats.tensor(backend, x.shape(), out);
    }

    @Override
    public WriteGradient writeGradient(Tensor y, Tensor post, Tensor upstream) {
        Sizes sizes = Sizes.of(upstream);
        int n = sizes.n;
        int width = sizes.width;
        float[] written = HostFloats.of(y);
        float[] w = HostFloats.of(post);
        float[] next = HostFloats.of(upstream);
        float[] dy = HostFloats.allocate(y.shape());
        float[] dPost = HostFloats.allocate(post.shape());
        backend.workers().parallelRanges(sizes.tokens, GROUP, (from, to) -> {
            for (int t = from; t < to; t++) {
                int at = t * sizes.row();
                StreamLoops.weightedSum(w, t * n, next, at, n, width, dy, t * width);
                for (int k = 0; k < n; k++) {
                    dPost[t * n + k] = RowProducts.dot(next, at + k * width, written, t * width, width);
                }
            }
        });
        return new WriteGradient(
                HostFloats.tensor(backend, y.shape(), dy), HostFloats.tensor(backend, post.shape(), dPost));
    }

    @Override
    public ReadGradient readGradient(Tensor x, Operands operands, Read read, Upstream upstream) {
        Sizes sizes = Sizes.of(x);
        int k = sizes.row();
        int rows = sizes.rows();
        int tall = RowProducts.padded(rows);
        float[] dx = HostFloats.allocate(x.shape());
        float[] panels = backend.workers().scratch().borrow(tall * k);
        RowProducts.pack(HostFloats.of(operands.fn()), rows, k, panels);
        int range = range(sizes.tokens, (long) tall * k);
        int ranges = (sizes.tokens + range - 1) / range;
        float[] partialFn = backend.workers().scratch().borrow(ranges * tall * k);
        float[] partialBase = new float[ranges * rows];
        float[] partialScale = new float[ranges * 3];
        backend.workers().parallelFor(ranges, i -> {
            int end = Math.min(sizes.tokens, (i + 1) * range);
            var sums = new ParameterSums(partialFn, i * tall * k, partialBase, i * rows, partialScale, i * 3);
            Arrays.fill(partialFn, i * tall * k, (i + 1) * tall * k, 0f);
            for (int from = i * range; from < end; from += GROUP) {
                groupGradient(x, operands, read, upstream, sizes, from, Math.min(end, from + GROUP), panels, sums, dx);
            }
        });
        float[] dFn = HostFloats.allocate(operands.fn().shape());
        backend.workers().parallelFor(k / PANEL, panel -> {
            float[] sum = new float[PANEL];
            for (int o = 0; o < rows; o++) {
                Arrays.fill(sum, 0f);
                for (int i = 0; i < ranges; i++) {
                    add(partialFn, (i * (k / PANEL) + panel) * tall * PANEL + o * PANEL, sum, 0, PANEL);
                }
                System.arraycopy(sum, 0, dFn, o * k + panel * PANEL, PANEL);
            }
        });
        float[] dBase = new float[rows];
        float[] dScale = new float[3];
        for (int i = 0; i < ranges; i++) {
            add(partialBase, i * rows, dBase, 0, rows);
            add(partialScale, i * 3, dScale, 0, 3);
        }
        backend.workers().scratch().giveBack(panels);
        backend.workers().scratch().giveBack(partialFn);
        return new ReadGradient(
                HostFloats.tensor(backend, x.shape(), dx),
                HostFloats.tensor(backend, operands.fn().shape(), dFn),
                HostFloats.tensor(backend, operands.base().shape(), dBase),
                HostFloats.tensor(backend, operands.scale().shape(), dScale));
    }

    /** Tokens of a range with sums of its own; by the sizes of the problem alone, so that results do not depend on the threads. */
    private static int range(int tokens, long sums) {
        long ranges = Math.clamp(MOST_PARTIAL_SUMS / sums, 2, MOST_RANGES);
        int groups = (tokens + GROUP - 1) / GROUP;
        return GROUP * Math.max(1, (int) ((groups + ranges - 1) / ranges));
    }

    /** Where a range of tokens sums the gradients of the parameters. */
    @SuppressWarnings("ArrayRecordComponent")
    private record ParameterSums(
            float[] panels, int panelsAt, float[] dBase, int baseAt, float[] dScale, int scaleAt) {}

    private static void groupGradient(
            Tensor x,
            Operands operands,
            Read read,
            Upstream upstream,
            Sizes sizes,
            int from,
            int to,
            float[] panels,
            ParameterSums sums,
            float[] dx) {
        int n = sizes.n;
        int width = sizes.width;
        int k = sizes.row();
        int rows = sizes.rows();
        int tall = RowProducts.padded(rows);
        int tokens = to - from;
        float[] in = HostFloats.of(x);
        float[] du = HostFloats.of(upstream.du());
        float[] next = HostFloats.of(upstream.dNext());
        float[] m = HostFloats.of(read.projection());
        float[] inverse = HostFloats.of(read.inverseRms());
        float[] pre = HostFloats.of(read.weights().pre());
        float[] comb = HostFloats.of(read.weights().comb());
        float[] scale = HostFloats.of(operands.scale());
        float[] base = HostFloats.of(operands.base());
        float[] gates = new float[2 * n * tokens];
        float[] logits = new float[n * n * tokens];
        float[] dComb = new float[n * n * tokens];
        float[] dLogits = new float[n * n * tokens];
        for (int t = from; t < to; t++) {
            int group = t - from;
            split(m, t * rows, scale, base, n, gates, group * 2 * n, logits, group * n * n);
            mixGradient(in, next, t * k, n, width, dComb, group * n * n);
        }
        var sinkhorn = new SinkhornLanes(
                n, operands.form().iterations(), (float) operands.form().eps());
        sinkhorn.gradient(logits, 0, tokens, dComb, 0, dLogits, 0, new float[sinkhorn.gradientScratch()]);
        float[] dProjection = new float[tall * tokens];
        float eps = (float) operands.form().eps();
        for (int t = from; t < to; t++) {
            int at = (t - from) * tall;
            for (int j = 0; j < n; j++) {
                float open = pre[t * n + j] - eps;
                float dPre = RowProducts.dot(du, t * width, in, t * k + j * width, width);
                dProjection[at + j] = dPre * open * (1 - open);
                dProjection[at + n + j] = HostFloats.of(upstream.dPost())[t * n + j]
                        * writeSlope(HostFloats.of(read.weights().post())[t * n + j]);
            }
            System.arraycopy(dLogits, (t - from) * n * n, dProjection, at + 2 * n, n * n);
            float pull = parameterGradient(dProjection, at, m, t * rows, scale, n, inverse[t], k, sums);
            for (int j = 0; j < n; j++) {
                StreamLoops.source(
                        pre[t * n + j],
                        du,
                        t * width,
                        pull,
                        in,
                        t * k + j * width,
                        comb,
                        t * n * n + j * n,
                        next,
                        t * k,
                        n,
                        width,
                        dx);
            }
        }
        RowProducts.addProduct(dProjection, tall, panels, dx, from * k, k, tokens);
        RowProducts.addOuter(
                dProjection, tall, in, from * k, k, tokens, new float[tokens * PANEL], sums.panels, sums.panelsAt);
    }

    /** Slope of 2σ(z) by its value. */
    private static float writeSlope(float post) {
        return post * (1 - post / 2);
    }

    /** dcomb[j,k] = X_j·Γ_k, in tiles. */
    private static void mixGradient(float[] x, float[] next, int at, int n, int width, float[] dComb, int to) {
        float[] lanes = new float[TILE * TILE * VectorMath.LANES];
        for (int j = 0; j < n; j += TILE) {
            int j1 = at + Math.min(j + 1, n - 1) * width;
            int j2 = at + Math.min(j + 2, n - 1) * width;
            int j3 = at + Math.min(j + 3, n - 1) * width;
            for (int k = 0; k < n; k += TILE) {
                int k1 = at + Math.min(k + 1, n - 1) * width;
                int k2 = at + Math.min(k + 2, n - 1) * width;
                int k3 = at + Math.min(k + 3, n - 1) * width;
                RowProducts.dots(x, at + j * width, j1, j2, j3, next, at + k * width, k1, k2, k3, width, lanes);
                for (int i = 0; i < Math.min(TILE, n - j); i++) {
                    System.arraycopy(lanes, i * TILE, dComb, to + (j + i) * n + k, Math.min(TILE, n - k));
                }
            }
        }
    }

    /**
     * Turns the gradient of z of one token into that of φ·v, in place, and adds what the parameters get.
     *
     * @return how strongly the norm pulls v back: Σ dm·m·r²/K
     */
    private static float parameterGradient(
            float[] dz, int at, float[] m, int mAt, float[] scale, int n, float r, int k, ParameterSums sums) {
        float inner = 0;
        for (int o = 0; o < n * (n + 2); o++) {
            int group = Math.min(o / n, 2);
            float g = dz[at + o];
            sums.dBase[sums.baseAt + o] += g;
            sums.dScale[sums.scaleAt + group] += g * m[mAt + o];
            float dm = g * scale[group];
            inner += dm * m[mAt + o];
            dz[at + o] = dm * r;
        }
        return inner * r * r / k;
    }

    private static void add(float[] x, int at, float[] sum, int to, int n) {
        for (int i = 0; i < n; i++) {
            sum[to + i] += x[at + i];
        }
    }
}
