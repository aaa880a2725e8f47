package org.filigree.attention;

import static org.filigree.attention.TileProduct.HEIGHT;
import static org.filigree.attention.TileProduct.STRIP;
import static org.filigree.core.backend.simd.VectorMath.LANES;

import java.util.Arrays;
import java.util.function.IntFunction;
import org.filigree.attention.TileProduct.Update;
import org.filigree.core.backend.ScratchBuffers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostFloats;
import org.filigree.core.backend.simd.TileProducts;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;

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

    /** Keys of a task at least, so that a thread is worth waking, and at most. */
    private static final int LEAST_KEYS = 4 * KEYS;

    private static final int MOST_KEYS = 40 * KEYS;

    private static final int TASKS = 32;

    /** Blocks of tokens whose queries are packed at a time: 4 MiB of 64 heads of 128. */
    private static final int BLOCKS = 16;

    private static final float[] NO_FLOATS = {};

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
        void pack(int first, int count, float[] turned, int turnedAt, float[] weights, int weightsAt) {
            Arrays.fill(weights, weightsAt, weightsAt + count * lanes(), 0f);
            for (int i = 0; i < count; i++) {
                headsOf(q, first + i).turn(0, heads, STRIP, 1f, turned, turnedAt + i * turned());
                System.arraycopy(w, (first + i) * heads, weights, weightsAt + i * lanes(), heads);
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
        float[] scores = HostFloats.allocate(queries.shape().leading(2, o.keys));
        score(o, sequence -> new IndexKeys.InArray(o.k, sequence * o.keys * o.dim, o.dim), scores);
        return HostFloats.tensor(backend, queries.shape().leading(2, o.keys), scores);
    }

    @Override
    public Tensor forward(Tensor queries, Tensor weights, CacheRows keys) {
        Operands o = new Operands(
                1,
                queries.dim(0),
                queries.dim(1),
                queries.dim(2),
                keys.count(),
                HostFloats.of(queries),
                HostFloats.of(weights),
                NO_FLOATS,
                backend.workers().scratch());
        float[] scores = HostFloats.allocate(Shape.of(o.tokens, o.keys));
        score(o, _ -> new IndexKeys.InCache(keys), scores);
        return HostFloats.tensor(backend, Shape.of(o.tokens, o.keys), scores);
    }

    /** Blocks of tokens are packed some at a time, and then shared by all tasks, each a block and a range of keys. */
    private void score(Operands o, IntFunction<IndexKeys> keysOf, float[] scores) {
        int inSequence = Math.ceilDiv(o.tokens, TOKENS);
        int blocks = o.batch * inSequence;
        int together = Math.min(blocks, BLOCKS);
        float[] turned = o.scratch.borrow(together * TOKENS * o.turned());
        float[] weights = new float[together * TOKENS * o.lanes()];
        for (int begin = 0; begin < blocks; begin += BLOCKS) {
            int first = begin;
            int packed = Math.min(BLOCKS, blocks - first);
            backend.workers().parallelFor(packed, i -> {
                Block block = Block.of(first + i, inSequence, o.tokens);
                o.pack(block.token, block.count, turned, i * TOKENS * o.turned(), weights, i * TOKENS * o.lanes());
            });
            int length = keysOfTask(packed, o.keys);
            int ranges = Math.ceilDiv(o.keys, length);
            backend.workers().parallelFor(packed * ranges, task -> {
                int i = task / ranges;
                Block block = Block.of(first + i, inSequence, o.tokens);
                int from = task % ranges * length;
                int to = Math.min(o.keys, from + length);
                score(o, block, i * TOKENS, keysOf.apply(block.sequence), from, to, turned, weights, scores);
            });
        }
        o.scratch.giveBack(turned);
    }

    /** Some tokens of one sequence; the first is counted through all sequences. */
    private record Block(int sequence, int token, int count) {
        static Block of(int block, int inSequence, int tokens) {
            int sequence = block / inSequence;
            int first = block % inSequence * TOKENS;
            return new Block(sequence, sequence * tokens + first, Math.min(TOKENS, tokens - first));
        }
    }

    private static int keysOfTask(int blocks, int keys) {
        int wanted = Math.ceilDiv(keys, Math.max(1, TASKS / blocks));
        return TileGrid.padded(Math.clamp(wanted, LEAST_KEYS, MOST_KEYS), KEYS);
    }

    private static void score(
            Operands o,
            Block block,
            int packedAt,
            IndexKeys keys,
            int from,
            int to,
            float[] turned,
            float[] weights,
            float[] scores) {
        float[] lanes = new float[KEYS * LANES];
        float[] room = o.scratch.borrow(KEYS * o.dim);
        for (int key = from; key < to; key += KEYS) {
            int met = Math.min(KEYS, to - key);
            IndexKeys.Tile tile = keys.tile(key, met, room);
            for (int i = 0; i < block.count; i++) {
                for (int s = 0; s < o.strips(); s++) {
                    int queriesAt = (packedAt + i) * o.turned() + s * STRIP * o.dim;
                    int weightsAt = (packedAt + i) * o.lanes() + s * STRIP;
                    Update update = s == 0 ? Update.OVERWRITE : Update.ACCUMULATE;
                    for (int j = 0; j < met; j += HEIGHT) {
                        int at = tile.at() + j * o.dim;
                        ScoreProducts.weigh(
                                o.dim,
                                tile.rows(),
                                at,
                                turned,
                                queriesAt,
                                weights,
                                weightsAt,
                                lanes,
                                j * LANES,
                                update);
                    }
                }
                int target = (block.token + i) * o.keys + key;
                for (int j = 0; j < met; j += TileProducts.TILE) {
                    TileProducts.fold(lanes, j * LANES, Math.min(TileProducts.TILE, met - j), 0, scores, target + j);
                }
            }
        }
        o.scratch.giveBack(room);
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
        o.pack(token, count, turned, 0, weights, 0);
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
            o.pack(token, 1, turned, 0, weights, 0);
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
