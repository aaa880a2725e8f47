package org.filigree.attention.compressed;

import static org.filigree.core.op.Reshape.insertAxis;

import org.filigree.attention.ScorerInput;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheRows;
import org.jspecify.annotations.Nullable;

/** Compressed entries that queries may attend to, and a scorer's keys of them where it made any. */
sealed interface EntryKeys {
    int count();

    /** [batch, entries, head]. */
    Tensor keys();

    /** What a scorer gives them, [batch, tokens, entries]. */
    Tensor scores(EntryScorer scorer, ScorerInput input);

    /**
     * Entries of this pass.
     *
     * @param keys [batch, entries, head]
     * @param scorerKeys [batch, entries, ·], null where no scorer made any
     */
    record Computed(Tensor keys, @Nullable Tensor scorerKeys) implements EntryKeys {
        @Override
        public int count() {
            return keys.dim(1);
        }

        @Override
        public Tensor scores(EntryScorer scorer, ScorerInput input) {
            return scorer.score(input, scorerKeys == null ? none(Backend.of(keys), keys.dim(0), count()) : scorerKeys);
        }
    }

    /**
     * The entries of one sequence that a cache holds, this pass's among them, read where they lie.
     *
     * @param rows their keys
     * @param scorerRows the scorer's, null where no scorer made any
     * @param backend of the pass
     */
    record Cached(CacheRows rows, @Nullable CacheRows scorerRows, Backend backend) implements EntryKeys {
        @Override
        public int count() {
            return rows.count();
        }

        @Override
        public Tensor keys() {
            return insertAxis(rows.tensor(backend), 0);
        }

        @Override
        public Tensor scores(EntryScorer scorer, ScorerInput input) {
            return scorerRows == null
                    ? scorer.score(input, none(backend, 1, count()))
                    : scorer.score(input, scorerRows);
        }
    }

    private static Tensor none(Backend backend, int batch, int count) {
        return backend.tensors().zeros(Shape.of(batch, count, 0));
    }
}
