package org.filigree.core.random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RandomStreamTest {
    /** The three philox4x32-10 vectors published with Random123: counter, key, block. */
    @Test
    void philoxGivesThePublishedAnswers() {
        assertBlock(new int[] {0, 0, 0, 0, 0, 0}, new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
        assertBlock(new int[] {-1, -1, -1, -1, -1, -1}, new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
        assertBlock(
                new int[] {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0},
                new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
    }

    private static void assertBlock(int[] in, int[] expected) {
        int[] block = new int[4];
        Philox.block(in[0], in[1], in[2], in[3], in[4], in[5], block);
        assertArrayEquals(expected, block);
    }

    /** Seeds must keep their meaning from release to release. */
    @Test
    void theFirstWordsOfASeedStayWhatTheyAre() {
        RandomStream stream = RandomStream.of(42);
        int[] words = {stream.nextInt(), stream.nextInt(), stream.nextInt(), stream.nextInt(), stream.nextInt()};
        assertArrayEquals(RECORDED, words, () -> "recorded words differ: " + Arrays.toString(words));
        assertEquals(RECORDED_NAMED, RandomStream.of(42).fork("layers.0.attn").nextLong());
        assertEquals(RECORDED_INDEXED, RandomStream.of(42).fork(7).nextLong());
    }

    private static final int[] RECORDED = {-224208358, 720001592, -146879632, 185916183, -1234980452};
    private static final long RECORDED_NAMED = 4202067974093169175L;
    private static final long RECORDED_INDEXED = 4674091591314819837L;

    @Test
    void namesIndicesAndSeedsNeverMeet() {
        Set<Long> firsts = new HashSet<>();
        int streams = 0;
        for (long seed = -3; seed <= 3; seed++) {
            RandomStream root = RandomStream.of(seed);
            RandomStream[] some = {
                root,
                root.fork(""),
                root.fork("\0"),
                root.fork("\0\0"),
                root.fork("a"),
                root.fork("b"),
                root.fork("ab"),
                root.fork("a").fork("b"),
                root.fork("b").fork("a"),
                root.fork("0"),
                root.fork(0),
                root.fork(1),
                root.fork("1"),
                root.fork("abcdefgh"),
                root.fork("abcdefghi"),
                root.fork("é"),
                root.fork(-1),
                root.fork(Long.MIN_VALUE)
            };
            for (RandomStream stream : some) {
                firsts.add(stream.nextLong());
                streams++;
            }
        }
        assertEquals(streams, firsts.size());
    }

    @Test
    void aBoundOfOneGivesZeroAndOthersStayBelow() {
        RandomStream stream = RandomStream.of(1);
        for (int i = 0; i < 200; i++) {
            assertEquals(0, stream.nextInt(1));
            assertEquals(0, stream.nextLong(1));
            int large = stream.nextInt(Integer.MAX_VALUE);
            assertTrue(large >= 0 && large < Integer.MAX_VALUE);
            long larger = stream.nextLong(Long.MAX_VALUE - 1);
            assertTrue(larger >= 0 && larger < Long.MAX_VALUE - 1);
        }
    }

    @Test
    void impossibleBoundsAreRefused() {
        RandomStream stream = RandomStream.of(1);
        assertThrows(IllegalArgumentException.class, () -> stream.nextInt(0));
        assertThrows(IllegalArgumentException.class, () -> stream.nextInt(-5));
        assertThrows(IllegalArgumentException.class, () -> stream.nextLong(0));
        assertThrows(IllegalArgumentException.class, () -> stream.permutation(-1));
        assertThrows(IllegalArgumentException.class, () -> new RandomStream.State(0, 0, -1, Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> RandomStream.State.ofLongs(new long[3]));
    }

    /** 3 · 2^30 leaves a quarter of the words over, so a biased generator would favour every third value by half. */
    @Test
    void theBoundedDrawHasNoBias() {
        RandomStream stream = RandomStream.of(5);
        int bound = 3 << 29;
        int[] thirds = new int[3];
        int draws = 30_000;
        for (int i = 0; i < draws; i++) {
            thirds[stream.nextInt(bound) % 3]++;
        }
        for (int third : thirds) {
            assertEquals(draws / 3.0, third, 5 * Math.sqrt(draws * (1 / 3.0) * (2 / 3.0)));
        }
    }

    @Test
    void uniformAndGaussianHaveTheirMoments() {
        RandomStream stream = RandomStream.of(9);
        int n = 200_000;
        double sum = 0;
        double squares = 0;
        double cubes = 0;
        double fourths = 0;
        double uniform = 0;
        for (int i = 0; i < n; i++) {
            double g = stream.nextGaussian();
            sum += g;
            squares += g * g;
            cubes += g * g * g;
            fourths += g * g * g * g;
            uniform += stream.nextFloat();
        }
        double sigma = 5 / Math.sqrt(n);
        assertEquals(0, sum / n, sigma);
        assertEquals(1, squares / n, sigma * Math.sqrt(2));
        assertEquals(0, cubes / n, sigma * Math.sqrt(15));
        assertEquals(3, fourths / n, sigma * Math.sqrt(96));
        assertEquals(0.5, uniform / n, sigma / Math.sqrt(12));
    }

    @Test
    void neighbouringSeedsAndForksAreUncorrelated() {
        int n = 20_000;
        for (RandomStream[] pair : new RandomStream[][] {
            {RandomStream.of(1), RandomStream.of(2)},
            {RandomStream.of(1).fork(0), RandomStream.of(1).fork(1)},
            {RandomStream.of(1), RandomStream.of(1).fork("w")}
        }) {
            double dot = 0;
            for (int i = 0; i < n; i++) {
                dot += pair[0].nextGaussian() * pair[1].nextGaussian();
            }
            assertEquals(0, dot / n, 5 / Math.sqrt(n));
        }
    }

    @Test
    void drawingChangesTheStream() {
        RandomStream stream = RandomStream.of(3);
        RandomStream.State before = stream.state();
        stream.nextInt();
        assertNotEquals(before, stream.state());
    }
}
