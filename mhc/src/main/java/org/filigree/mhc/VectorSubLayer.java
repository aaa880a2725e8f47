package org.filigree.mhc;

import static org.filigree.core.backend.simd.TileProducts.PANEL;
import static org.filigree.core.backend.simd.TileProducts.TILE;

import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.simd.Sigmoid;
import org.filigree.core.backend.simd.TileProducts;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@link SubLayerKernel} in vector instructions. Sixteen tokens go through all steps before the next sixteen, so that their streams come
 * from memory once and from the second-level cache after that.
 *
 * @param backend whose tensors they are
 */
record VectorSubLayer(HostBackend backend) implements SubLayerKernel {
    /** Tokens that go through all steps together. At n = 4 and width 1024 their streams are 256 KiB. */
    static final int GROUP = 16;

    @Override
    public boolean supports(int streams, int width) {
        return width % PANEL == 0;
    }

    /** Sizes of a call. */
    record Sizes(int n, int width, int tokens) {
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
    public Read read(Tensor x, Operands operands, @Nullable Tensor carried) {
        Sizes sizes = Sizes.of(x);
        int n = sizes.n;
        Shape outer = x.shape().leading(-2);
        Shape line = outer.leading(outer.rank(), n);
        Shape square = line.leading(line.rank(), n);
        Shape rows = outer.leading(outer.rank(), sizes.rows());
        Shape input = outer.leading(outer.rank(), sizes.width);
        float[] u = HostFloats.allocate(input);
        float[] pre = HostFloats.allocate(line);
        float[] readBy = carried == null ? pre : HostFloats.of(carried);
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
            // First from the beginning to the end, as memory is read fastest; after that X is in the second-level
            // cache.
            for (int t = from; t < to; t++) {
                int at = t * sizes.row();
                double meanSquare = TileProducts.dot(in, at, in, at, sizes.row()) / (double) sizes.row();
                inverse[t] = (float) (1 / Math.sqrt(meanSquare + operands.normEps()));
            }
            project(in, sizes, from, to, fn, m);
            float[] gates = new float[2 * n * GROUP];
            float[] opened = new float[2 * n * GROUP];
            float[] logits = new float[n * n * GROUP];
            for (int t = from; t < to; t++) {
                for (int o = 0; o < sizes.rows(); o++) {
                    m[t * sizes.rows() + o] *= inverse[t];
                }
                gates(m, t * sizes.rows(), scale, base, n, gates, (t - from) * 2 * n);
                mixLogits(m, t * sizes.rows(), scale, base, n, logits, (t - from) * n * n);
            }
            Sigmoid.sigmoid(gates, opened, 0, (to - from) * 2 * n);
            sinkhorn.forward(logits, 0, to - from, comb, from * n * n, new float[sinkhorn.forwardScratch()]);
            for (int t = from; t < to; t++) {
                for (int j = 0; j < n; j++) {
                    pre[t * n + j] = opened[(t - from) * 2 * n + j] + eps;
                    post[t * n + j] = 2 * opened[(t - from) * 2 * n + n + j];
                }
                StreamLoops.weightedSum(readBy, t * n, in, t * sizes.row(), n, sizes.width, u, t * sizes.width);
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
        float[] products = new float[TileProducts.SUMS];
        for (int t = from; t < to; t += TILE) {
            int t1 = Math.min(t + 1, to - 1);
            int t2 = Math.min(t + 2, to - 1);
            int t3 = Math.min(t + 3, to - 1);
            for (int o = 0; o < rows; o += TILE) {
                int o1 = Math.min(o + 1, rows - 1);
                int o2 = Math.min(o + 2, rows - 1);
                int o3 = Math.min(o + 3, rows - 1);
                TileProducts.dots(x, t * k, t1 * k, t2 * k, t3 * k, fn, o * k, o1 * k, o2 * k, o3 * k, k, products);
                for (int i = 0; i < Math.min(TILE, to - t); i++) {
                    System.arraycopy(products, i * TILE, m, (t + i) * rows + o, Math.min(TILE, rows - o));
                }
            }
        }
    }

    /** z = m∘α + b of one token, for the rows of pre and post. */
    private static void gates(float[] m, int mAt, float[] scale, float[] base, int n, float[] z, int at) {
        for (int o = 0; o < 2 * n; o++) {
            z[at + o] = m[mAt + o] * scale[o / n] + base[o];
        }
    }

    /** The same for the rows of the mix. */
    static void mixLogits(float[] m, int mAt, float[] scale, float[] base, int n, float[] z, int at) {
        for (int o = 0; o < n * n; o++) {
            z[at + o] = m[mAt + 2 * n + o] * scale[2] + base[2 * n + o];
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
                    dPost[t * n + k] = TileProducts.dot(next, at + k * width, written, t * width, width);
                }
            }
        });
        return new WriteGradient(
                HostFloats.tensor(backend, y.shape(), dy), HostFloats.tensor(backend, post.shape(), dPost));
    }

    @Override
    public ReadGradient readGradient(
            Tensor x, Operands operands, @Nullable Tensor carried, Read read, Upstream upstream) {
        return new VectorSubLayerGradient(backend, x, operands, carried, read, upstream).run();
    }
}
