package org.filigree.attention;

import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import java.util.Arrays;
import org.filigree.attention.TileProduct.Update;
import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.tensor.Tensor;

/**
 * Index scores on arrays: heads lie along the lanes, keys are read where they are, and the products of a tile of keys with a token stay in
 * the first-level cache until they are summed. Gradients go in two sweeps, by token for queries and weights, by key for keys, so that
 * every sum has one owner.
 *
 * @param backend whose arrays it reads and makes
 */
record VectorIndexScores(HostBackend backend) implements IndexScoresKernel {
    private static final int KEYS = 96;

    /** Tokens that share a tile of keys. */
    private static final int TOKENS = 8;

    /** Keys of a task at least, so that packing queries costs little beside it, and at most. */
    private static final int LEAST_KEYS = 4 * KEYS;

    private static final int MOST_KEYS = 40 * KEYS;

    private static final int TASKS = 32;

    /** Sizes, operands, and a thread's room for some tokens of one sequence against tiles of keys. */
    @SuppressWarnings("ArrayRecordComponent") // Operands of a kernel.
    private record Operands(
            int batch,
            int tokens,
            int heads,
            int dim,
            int keys,
            float[] q,
            float[] w,
            float[] k,
            ScratchBuffers scratch) {
        static Operands of(Tensor q, Tensor w, Tensor k, ScratchBuffers scratch) {
            return new Operands(
                    q.dim(0),
                    q.dim(1),
                    q.dim(2),
                    q.dim(3),
                    k.dim(1),
                    HostFloats.of(q),
                    HostFloats.of(w),
                    HostFloats.of(k),
                    scratch);
        }

        int strips() {
            return Math.ceilDiv(heads, STRIP);
        }

        int dimStrips() {
            return Math.ceilDiv(dim, STRIP);
        }

        int padded() {
            return dimStrips() * STRIP;
        }

        /** Floats of a token's turned queries. */
        int turned() {
            return strips() * STRIP * dim;
        }

        int lanes() {
            return strips() * STRIP;
        }

        /** Floats of a token's queries or their gradients in strips. */
        int stripped() {
            return strips() * dimStrips() * STRIP * STRIP;
        }

        TilePacking headsOf(float[] x, int token) {
            return new TilePacking(x, token * heads * dim, 0, heads, dim);
        }

        /** Queries [tokens, strips, dim, STRIP heads] and weights [tokens, lanes], zeros for heads that are not there. */
        void pack(int first, int count, float[] turned, float[] weights) {
            Arrays.fill(weights, 0, count * lanes(), 0f);
            for (int i = 0; i < count; i++) {
                headsOf(q, first + i).turn(0, heads, STRIP, 1f, turned, i * turned());
                System.arraycopy(w, (first + i) * heads, weights, i * lanes(), heads);
            }
        }

        /** Copies keys of a tile side by side, padded to whole strips. */
        void copy(int sequence, int key, int count, float[] tile) {
            for (int j = 0; j < count; j++) {
                System.arraycopy(k, (sequence * keys + key + j) * dim, tile, j * padded(), dim);
            }
        }

        /** [keys, STRIP heads] of one token and strip. */
        void multiply(int count, float[] rows, int at, int step, float[] turned, int turnedAt, float[] products) {
            for (int j = 0; j < count; j += HEIGHT) {
                TileProduct.rows(
                        dim, rows, at + j * step, step, turned, turnedAt, products, j * STRIP, Update.OVERWRITE);
            }
        }
    }

    @Override
    public Tensor forward(Tensor queries, Tensor weights, Tensor keys) {
        Operands o = Operands.of(queries, weights, keys, backend.workers().scratch());
        var shape = queries.shape().leading(2, o.keys);
        float[] scores = HostFloats.allocate(shape);
        int blocks = Math.ceilDiv(o.tokens, TOKENS);
        int length = keysOfTask(o.batch * blocks, o.keys);
        int ranges = Math.ceilDiv(o.keys, length);
        backend.workers().parallelFor(o.batch * blocks * ranges, task -> {
            int sequence = task / ranges / blocks;
            int first = task / ranges % blocks * TOKENS;
            int from = task % ranges * length;
            int count = Math.min(TOKENS, o.tokens - first);
            score(o, sequence, first, count, from, Math.min(o.keys, from + length), scores);
        });
        return HostFloats.tensor(backend, shape, scores);
    }

    private static int keysOfTask(int blocks, int keys) {
        int wanted = Math.ceilDiv(keys, Math.max(1, TASKS / blocks));
        return TileGrid.padded(Math.clamp(wanted, LEAST_KEYS, MOST_KEYS), KEYS);
    }

    private static void score(Operands o, int sequence, int first, int count, int from, int to, float[] scores) {
        float[] turned = o.scratch.borrow(count * o.turned());
        float[] weights = new float[count * o.lanes()];
        o.pack(sequence * o.tokens + first, count, turned, weights);
        float[] products = new float[KEYS * STRIP];
        float[] lanes = new float[KEYS * LANES];
        float[] tile = new float[(to - from) % HEIGHT == 0 ? 0 : KEYS * o.padded()];
        for (int key = from; key < to; key += KEYS) {
            int met = Math.min(KEYS, to - key);
            boolean whole = met % HEIGHT == 0;
            if (!whole) {
                o.copy(sequence, key, met, tile);
            }
            float[] rows = whole ? o.k : tile;
            int at = whole ? (sequence * o.keys + key) * o.dim : 0;
            int step = whole ? o.dim : o.padded();
            for (int i = 0; i < count; i++) {
                for (int s = 0; s < o.strips(); s++) {
                    o.multiply(met, rows, at, step, turned, i * o.turned() + s * STRIP * o.dim, products);
                    ScoreTile.weigh(products, met, weights, i * o.lanes() + s * STRIP, lanes, s == 0);
                }
                ScoreTile.fold(lanes, met, scores, (sequence * o.tokens + first + i) * o.keys + key);
            }
        }
        o.scratch.giveBack(turned);
    }

    @Override
    public Gradients gradients(Tensor queries, Tensor weights, Tensor keys, Tensor dScores) {
        Operands o = Operands.of(queries, weights, keys, backend.workers().scratch());
        float[] upstream = HostFloats.of(dScores);
        float[] dq = HostFloats.allocate(queries.shape());
        float[] dw = HostFloats.allocate(weights.shape());
        float[] dk = HostFloats.allocate(keys.shape());
        int blocks = Math.ceilDiv(o.tokens, TOKENS);
        backend.workers().parallelFor(o.batch * blocks, task -> {
            int first = task % blocks * TOKENS;
            byToken(o, task / blocks, first, Math.min(TOKENS, o.tokens - first), upstream, dq, dw);
        });
        int ranges = Math.ceilDiv(o.keys, LEAST_KEYS);
        backend.workers().parallelFor(o.batch * ranges, task -> {
            int from = task % ranges * LEAST_KEYS;
            byKey(o, task / ranges, from, Math.min(o.keys, from + LEAST_KEYS), upstream, dk);
        });
        return new Gradients(
                HostFloats.tensor(backend, queries.shape(), dq),
                HostFloats.tensor(backend, weights.shape(), dw),
                HostFloats.tensor(backend, keys.shape(), dk));
    }

    private static void byToken(
            Operands o, int sequence, int first, int count, float[] upstream, float[] dq, float[] dw) {
        int token = sequence * o.tokens + first;
        float[] turned = o.scratch.borrow(count * o.turned());
        float[] sums = o.scratch.borrow(count * o.stripped());
        Arrays.fill(sums, 0, count * o.stripped(), 0f);
        float[] weights = new float[count * o.lanes()];
        float[] dWeights = new float[count * o.lanes()];
        o.pack(token, count, turned, weights);
        float[] products = new float[KEYS * STRIP];
        float[] tile = new float[KEYS * o.padded()];
        for (int key = 0; key < o.keys; key += KEYS) {
            int met = Math.min(KEYS, o.keys - key);
            o.copy(sequence, key, met, tile);
            for (int i = 0; i < count; i++) {
                int scoresAt = (token + i) * o.keys + key;
                for (int s = 0; s < o.strips(); s++) {
                    int lane = i * o.lanes() + s * STRIP;
                    o.multiply(met, tile, 0, o.padded(), turned, i * o.turned() + s * STRIP * o.dim, products);
                    ScoreTile.intoWeights(products, met, upstream, scoresAt, dWeights, lane);
                    ScoreTile.throughCut(products, met, upstream, scoresAt, weights, lane);
                    int at = i * o.stripped() + s * o.dimStrips() * STRIP * STRIP;
                    int height = Math.min(STRIP, TileGrid.padded(o.heads - s * STRIP, HEIGHT));
                    for (int c = 0; c < o.dimStrips(); c++) {
                        for (int h = 0; h < height; h += HEIGHT) {
                            int target = at + (c * STRIP + h) * STRIP;
                            TileProduct.turned(
                                    met,
                                    products,
                                    h,
                                    STRIP,
                                    tile,
                                    c * STRIP,
                                    o.padded(),
                                    sums,
                                    target,
                                    Update.ACCUMULATE);
                        }
                    }
                }
            }
        }
        float[] ones = new float[STRIP];
        Arrays.fill(ones, 1f);
        for (int i = 0; i < count; i++) {
            System.arraycopy(dWeights, i * o.lanes(), dw, (token + i) * o.heads, o.heads);
            for (int s = 0; s < o.strips(); s++) {
                o.headsOf(dq, token + i)
                        .spread(
                                s * STRIP,
                                Math.min(o.heads, (s + 1) * STRIP),
                                ones,
                                sums,
                                i * o.stripped() + s * o.dimStrips() * STRIP * STRIP,
                                STRIP * STRIP);
            }
        }
        o.scratch.giveBack(sums);
        o.scratch.giveBack(turned);
    }

    private static void byKey(Operands o, int sequence, int from, int to, float[] upstream, float[] dk) {
        float[] turned = o.scratch.borrow(o.turned());
        float[] strips = new float[o.stripped()];
        float[] weights = new float[o.lanes()];
        float[] products = new float[KEYS * STRIP];
        int tiles = Math.ceilDiv(to - from, KEYS);
        int tileFloats = KEYS * o.padded();
        float[] rows = new float[tiles * tileFloats];
        float[] sums = new float[tiles * tileFloats];
        float[] tile = new float[tileFloats];
        for (int t = 0; t < tiles; t++) {
            o.copy(sequence, from + t * KEYS, Math.min(KEYS, to - from - t * KEYS), tile);
            System.arraycopy(tile, 0, rows, t * tileFloats, tileFloats);
        }
        for (int token = sequence * o.tokens; token < (sequence + 1) * o.tokens; token++) {
            o.pack(token, 1, turned, weights);
            for (int s = 0; s < o.strips(); s++) {
                o.headsOf(o.q, token)
                        .strips(
                                s * STRIP,
                                Math.min(o.heads, (s + 1) * STRIP),
                                1f,
                                strips,
                                s * o.dimStrips() * STRIP * STRIP,
                                STRIP * STRIP);
            }
            for (int t = 0; t < tiles; t++) {
                int key = from + t * KEYS;
                int met = Math.min(KEYS, to - key);
                for (int s = 0; s < o.strips(); s++) {
                    o.multiply(met, rows, t * tileFloats, o.padded(), turned, s * STRIP * o.dim, products);
                    ScoreTile.throughCut(products, met, upstream, token * o.keys + key, weights, s * STRIP);
                    for (int c = 0; c < o.dimStrips(); c++) {
                        int right = (s * o.dimStrips() + c) * STRIP * STRIP;
                        for (int j = 0; j < met; j += HEIGHT) {
                            int target = t * tileFloats + (c * KEYS + j) * STRIP;
                            TileProduct.rows(
                                    STRIP, products, j * STRIP, STRIP, strips, right, sums, target, Update.ACCUMULATE);
                        }
                    }
                }
            }
        }
        float[] ones = new float[KEYS];
        Arrays.fill(ones, 1f);
        TilePacking target = new TilePacking(dk, sequence * o.keys * o.dim, o.dim, 1, o.dim);
        for (int t = 0; t < tiles; t++) {
            int key = from + t * KEYS;
            target.spread(key, Math.min(to, key + KEYS), ones, sums, t * tileFloats, KEYS * STRIP);
        }
        o.scratch.giveBack(turned);
    }
}
