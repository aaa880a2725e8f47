package org.filigree.mhc;

import static org.filigree.core.backend.simd.TileProducts.PANEL;
import static org.filigree.core.backend.simd.TileProducts.TILE;
import static org.filigree.mhc.VectorSubLayer.GROUP;

import java.util.Arrays;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.simd.TileProducts;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** One call of {@link VectorSubLayer#readGradient}: operands as arrays, results as arrays, and the way from ones to the others. */
final class VectorSubLayerGradient {
    /** Most ranges of tokens with sums of their own for the gradient of φ, and most floats in all of these. */
    private static final int MOST_RANGES = 32;

    private static final long MOST_PARTIAL_SUMS = 1L << 24;

    private final HostBackend backend;
    private final SubLayerKernel.Operands operands;
    private final Tensor streams;
    private final @Nullable Tensor carried;

    private final int n;
    private final int width;
    private final int tokens;
    /** Floats of a token's streams, rows of φ, and rows in whole tiles. */
    private final int k;

    private final int rows;
    private final int tall;

    private final float[] x;
    private final float[] fn;
    private final float[] base;
    private final float[] scale;
    private final float eps;
    private final SinkhornLanes sinkhorn;

    private final float[] m;
    private final float[] inverseRms;
    private final float[] pre;
    private final float[] post;
    private final float[] comb;
    /** By what F's input was read: pre, or what was carried. */
    private final float[] readBy;

    private final float[] du;
    private final float[] dPre;
    private final float[] dPost;
    private final float[] dNext;

    private final float[] dx;
    /** Gradient of what F's input was read by, of this sub-layer's pre only where nothing was carried. */
    private final float[] dReadBy;

    VectorSubLayerGradient(
            HostBackend backend,
            Tensor streams,
            SubLayerKernel.Operands operands,
            @Nullable Tensor carried,
            SubLayerKernel.Read read,
            SubLayerKernel.Upstream upstream) {
        this.backend = backend;
        this.operands = operands;
        this.streams = streams;
        this.carried = carried;
        VectorSubLayer.Sizes sizes = VectorSubLayer.Sizes.of(streams);
        this.n = sizes.n();
        this.width = sizes.width();
        this.tokens = sizes.tokens();
        this.k = sizes.row();
        this.rows = sizes.rows();
        this.tall = RowProducts.padded(rows);
        this.x = HostFloats.of(streams);
        this.fn = HostFloats.of(operands.fn());
        this.base = HostFloats.of(operands.base());
        this.scale = HostFloats.of(operands.scale());
        this.eps = (float) operands.form().eps();
        this.sinkhorn = new SinkhornLanes(n, operands.form().iterations(), eps);
        this.m = HostFloats.of(read.projection());
        this.inverseRms = HostFloats.of(read.inverseRms());
        this.pre = HostFloats.of(read.weights().pre());
        this.post = HostFloats.of(read.weights().post());
        this.comb = HostFloats.of(read.weights().comb());
        this.readBy = carried == null ? pre : HostFloats.of(carried);
        this.du = HostFloats.of(upstream.du());
        this.dPre = upstream.dPre() == null ? new float[tokens * n] : HostFloats.of(upstream.dPre());
        this.dPost = HostFloats.of(upstream.dPost());
        this.dNext = HostFloats.of(upstream.dNext());
        this.dx = HostFloats.allocate(streams.shape());
        this.dReadBy = new float[tokens * n];
    }

    SubLayerKernel.ReadGradient run() {
        float[] panels = backend.workers().scratch().borrow(tall * k);
        RowProducts.pack(fn, rows, k, panels);
        int range = range();
        int ranges = Math.ceilDiv(tokens, range);
        float[] partialFn = backend.workers().scratch().borrow(ranges * tall * k);
        float[] partialBase = new float[ranges * rows];
        float[] partialScale = new float[ranges * 3];
        backend.workers().parallelFor(ranges, i -> {
            Arrays.fill(partialFn, i * tall * k, (i + 1) * tall * k, 0f);
            new Range(i, panels, partialFn, partialBase, partialScale)
                    .run(i * range, Math.min(tokens, (i + 1) * range));
        });
        float[] dFn = HostFloats.allocate(operands.fn().shape());
        backend.workers().parallelFor(k / PANEL, panel -> {
            for (int o = 0; o < rows; o++) {
                for (int i = 0; i < ranges; i++) {
                    int from = i * tall * k + (panel * tall + o) * PANEL;
                    add(partialFn, from, dFn, o * k + panel * PANEL, PANEL);
                }
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
        return new SubLayerKernel.ReadGradient(
                HostFloats.tensor(backend, streams.shape(), dx),
                HostFloats.tensor(backend, operands.fn().shape(), dFn),
                HostFloats.tensor(backend, operands.base().shape(), dBase),
                HostFloats.tensor(backend, operands.scale().shape(), dScale),
                carried == null ? null : HostFloats.tensor(backend, carried.shape(), dReadBy));
    }

    /** Tokens of a range with sums of its own; by the sizes of the problem alone, so that results do not depend on the threads. */
    private int range() {
        long ranges = Math.clamp(MOST_PARTIAL_SUMS / ((long) tall * k), 2, MOST_RANGES);
        return GROUP * Math.max(1, (int) Math.ceilDiv(Math.ceilDiv(tokens, GROUP), ranges));
    }

    /** Tokens that sum the gradients of the parameters together, on one thread. */
    private final class Range {
        private final float[] panels;
        private final float[] dPanels;
        private final int panelsAt;
        private final float[] dBase;
        private final int baseAt;
        private final float[] dScale;
        private final int scaleAt;

        private final float[] logits = new float[n * n * GROUP];
        private final float[] dComb = new float[n * n * GROUP];
        private final float[] dProjection = new float[tall * GROUP];
        private final float[] xPanel = new float[GROUP * PANEL];
        private final float[] products = new float[TileProducts.SUMS];
        private final float[] steps = new float[sinkhorn.gradientScratch()];

        Range(int index, float[] panels, float[] dPanels, float[] dBase, float[] dScale) {
            this.panels = panels;
            this.dPanels = dPanels;
            this.panelsAt = index * tall * k;
            this.dBase = dBase;
            this.baseAt = index * rows;
            this.dScale = dScale;
            this.scaleAt = index * 3;
        }

        void run(int from, int end) {
            for (int at = from; at < end; at += GROUP) {
                group(at, Math.min(end, at + GROUP));
            }
        }

        private void group(int from, int to) {
            int count = to - from;
            for (int t = from; t < to; t++) {
                int at = (t - from) * n * n;
                VectorSubLayer.mixLogits(m, t * rows, scale, base, n, logits, at);
                mixGradient(t * k, at);
            }
            sinkhorn.gradient(logits, 0, count, dComb, 0, dComb, 0, steps);
            for (int t = from; t < to; t++) {
                int at = (t - from) * tall;
                gateGradients(t, at);
                System.arraycopy(dComb, (t - from) * n * n, dProjection, at + 2 * n, n * n);
                float pull = throughScale(t, at);
                for (int j = 0; j < n; j++) {
                    StreamLoops.source(
                            readBy[t * n + j],
                            du,
                            t * width,
                            pull,
                            x,
                            t * k + j * width,
                            comb,
                            t * n * n + j * n,
                            dNext,
                            t * k,
                            n,
                            width,
                            dx);
                }
            }
            for (int c = 0; c < k; c += PANEL) {
                RowProducts.addProduct(dProjection, tall, panels, c * tall, dx, from * k + c, k, count);
                StreamLoops.copyPanels(x, from * k + c, k, xPanel, 0, PANEL, count);
                RowProducts.addOuter(dProjection, tall, xPanel, count, dPanels, panelsAt + c * tall);
            }
        }

        /** dcomb[j,k] = X_j·Γ_k of the token at a place, in tiles. */
        private void mixGradient(int at, int to) {
            for (int j = 0; j < n; j += TILE) {
                int j1 = at + Math.min(j + 1, n - 1) * width;
                int j2 = at + Math.min(j + 2, n - 1) * width;
                int j3 = at + Math.min(j + 3, n - 1) * width;
                for (int i = 0; i < n; i += TILE) {
                    int i1 = at + Math.min(i + 1, n - 1) * width;
                    int i2 = at + Math.min(i + 2, n - 1) * width;
                    int i3 = at + Math.min(i + 3, n - 1) * width;
                    TileProducts.dots(
                            x, at + j * width, j1, j2, j3, dNext, at + i * width, i1, i2, i3, width, products);
                    for (int row = 0; row < Math.min(TILE, n - j); row++) {
                        System.arraycopy(products, row * TILE, dComb, to + (j + row) * n + i, Math.min(TILE, n - i));
                    }
                }
            }
        }

        /** Gradients of the arguments of pre's and post's sigmoids. */
        private void gateGradients(int t, int at) {
            for (int j = 0; j < n; j++) {
                float ofRead = TileProducts.dot(du, t * width, x, t * k + j * width, width);
                dReadBy[t * n + j] = ofRead;
                float ofPre = dPre[t * n + j] + (carried == null ? ofRead : 0f);
                float open = pre[t * n + j] - eps;
                dProjection[at + j] = ofPre * open * (1 - open);
                float write = post[t * n + j];
                dProjection[at + n + j] = dPost[t * n + j] * write * (1 - write / 2);
            }
        }

        /**
         * Turns the gradient of z of one token into that of φ·v, in place, and adds what base and scale get.
         *
         * @return how strongly the norm pulls v back: Σ dm·m·r²/K
         */
        private float throughScale(int t, int at) {
            float inner = 0;
            float r = inverseRms[t];
            for (int o = 0; o < rows; o++) {
                int group = Math.min(o / n, 2);
                float g = dProjection[at + o];
                float projected = m[t * rows + o];
                dBase[baseAt + o] += g;
                dScale[scaleAt + group] += g * projected;
                float dm = g * scale[group];
                inner += dm * projected;
                dProjection[at + o] = dm * r;
            }
            return inner * r * r / k;
        }
    }

    private static void add(float[] from, int at, float[] sum, int to, int length) {
        for (int i = 0; i < length; i++) {
            sum[to + i] += from[at + i];
        }
    }
}
