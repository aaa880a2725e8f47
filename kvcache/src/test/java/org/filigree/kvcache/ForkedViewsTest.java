package org.filigree.kvcache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.testkit.TestBackends;
import org.filigree.kvcache.KvCacheException.Reason;
import org.junit.jupiter.api.Test;

/** What a fork means for views: the one that writes into a shared block moves, the other stays. */
class ForkedViewsTest {
    private static final int BLOCK = 4;

    private final Backend backend = TestBackends.get("scalar");

    private BlockPool pool() {
        return BlockPoolConfig.of(12, 2, RowStorage.float32(RowLayout.of("key", 1)))
                .withBlockTokens(BLOCK)
                .init();
    }

    private void append(PagedSequence sequence, float... values) {
        for (int layer = 0; layer < 2; layer++) {
            KvCache cache = sequence.layer(layer);
            cache.append(cache.end(), List.of(backend.tensors().floats(Shape.of(values.length, 1), values)));
        }
    }

    private void assertShows(CacheRows rows, float... values) {
        assertArrayEquals(values, rows.tensor(backend).toFloats());
    }

    private static void assertStale(CacheRows rows) {
        KvCacheException failure =
                assertThrows(KvCacheException.class, () -> rows.read(0, 1, new float[rows.width()], 0));
        assertEquals(Reason.STALE, failure.reason());
    }

    @Test
    void theFirstToWriteIntoASharedBlockLosesItsViews() {
        for (boolean originalFirst : new boolean[] {true, false}) {
            try (BlockPool pool = pool();
                    PagedSequence original = pool.sequence(20)) {
                append(original, 0, 1, 2, 3, 4);
                try (PagedSequence fork = original.fork()) {
                    PagedSequence writer = originalFirst ? original : fork;
                    PagedSequence other = originalFirst ? fork : original;
                    CacheRows moved = writer.layer(0).rows();
                    CacheRows movedToo = writer.layer(1).rows();
                    CacheRows stays = other.layer(0).rows();
                    append(writer, 50);
                    assertStale(moved);
                    assertStale(movedToo);
                    assertShows(writer.layer(0).rows(), 0, 1, 2, 3, 4, 50);
                    assertShows(stays, 0, 1, 2, 3, 4);
                    // The block is the other's alone now.
                    append(other, 60);
                    assertShows(stays, 0, 1, 2, 3, 4);
                    assertShows(other.layer(0).rows(), 0, 1, 2, 3, 4, 60);
                }
            }
        }
    }

    @Test
    void behindWholeBlocksEveryViewStays() {
        try (BlockPool pool = pool();
                PagedSequence original = pool.sequence(20)) {
            append(original, 0, 1, 2, 3);
            try (PagedSequence fork = original.fork()) {
                List<CacheRows> views =
                        List.of(original.layer(0).rows(), fork.layer(1).rows());
                append(original, 50);
                append(fork, 60, 61);
                views.forEach(view -> assertShows(view, 0, 1, 2, 3));
                assertEquals(3, pool.memory().referenced());
            }
        }
    }

    /** A fork that is gone shares nothing. */
    @Test
    void aForkThatWasClosedCostsNoView() {
        try (BlockPool pool = pool();
                PagedSequence original = pool.sequence(20)) {
            append(original, 0, 1);
            original.fork().close();
            CacheRows view = original.layer(0).rows();
            append(original, 50);
            assertShows(view, 0, 1);
        }
    }
}
