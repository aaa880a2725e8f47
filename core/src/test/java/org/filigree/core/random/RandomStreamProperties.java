package org.filigree.core.random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Positive;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;

class RandomStreamProperties {
    @Property(tries = 100)
    void aForkDoesNotDependOnWhatWasDrawn(
            @ForAll long seed, @ForAll @StringLength(max = 20) String name, @ForAll @IntRange(max = 50) int drawn) {
        RandomStream fresh = RandomStream.of(seed);
        RandomStream used = RandomStream.of(seed);
        for (int i = 0; i < drawn; i++) {
            used.nextGaussian();
        }
        assertEquals(fresh.fork(name).nextLong(), used.fork(name).nextLong());
        assertEquals(fresh.fork(drawn).state(), used.fork(drawn).state());
    }

    @Property(tries = 100)
    void fillingInPiecesEqualsFillingAtOnce(
            @ForAll long seed, @ForAll @Size(max = 6) List<@IntRange(max = 17) Integer> pieces) {
        int total = pieces.stream().mapToInt(Integer::intValue).sum();
        float[] whole = new float[total];
        RandomStream.of(seed).fillGaussian(whole, 0.25f, 3f);
        float[] parts = new float[total];
        RandomStream stream = RandomStream.of(seed);
        int at = 0;
        for (int piece : pieces) {
            stream.fillGaussian(parts, at, piece, 0.25f, 3f);
            at += piece;
        }
        assertArrayEquals(whole, parts);
    }

    @Property(tries = 100)
    void aRestoredStreamContinuesBitwise(
            @ForAll long seed, @ForAll @Size(max = 30) List<@IntRange(max = 5) Integer> draws) {
        RandomStream stream = RandomStream.of(seed);
        draws.forEach(kind -> draw(stream, kind));
        RandomStream restored =
                RandomStream.restore(RandomStream.State.ofLongs(stream.state().toLongs()));
        for (int i = 0; i < 24; i++) {
            assertEquals(draw(stream, i % 6), draw(restored, i % 6));
        }
        assertEquals(stream.state(), restored.state());
    }

    private static double draw(RandomStream stream, int kind) {
        return switch (kind) {
            case 0 -> stream.nextInt();
            case 1 -> stream.nextLong();
            case 2 -> stream.nextFloat();
            case 3 -> stream.nextDouble();
            case 4 -> stream.nextGaussian();
            default -> stream.nextInt(1000);
        };
    }

    @Property(tries = 100)
    void boundedDrawsStayInBounds(@ForAll long seed, @ForAll @Positive int bound, @ForAll @Positive long longBound) {
        RandomStream stream = RandomStream.of(seed);
        for (int i = 0; i < 20; i++) {
            int small = stream.nextInt(bound);
            long large = stream.nextLong(longBound);
            float f = stream.nextFloat();
            double d = stream.nextDouble();
            assertTrue(small >= 0 && small < bound && large >= 0 && large < longBound);
            assertTrue(f >= 0 && f < 1 && d >= 0 && d < 1);
        }
    }

    @Property(tries = 100)
    void aPermutationHoldsEveryNumberOnce(@ForAll long seed, @ForAll @IntRange(max = 300) int n) {
        int[] order = RandomStream.of(seed).permutation(n);
        Arrays.sort(order);
        for (int i = 0; i < n; i++) {
            assertEquals(i, order[i]);
        }
        assertEquals(n, order.length);
    }

    /** χ² with 15 degrees of freedom stays below 60 but for once in a million and more. */
    @Property(tries = 20)
    void everySmallValueIsEquallyLikely(@ForAll long seed) {
        int[] counts = new int[16];
        RandomStream stream = RandomStream.of(seed);
        int draws = 16_000;
        for (int i = 0; i < draws; i++) {
            counts[stream.nextInt(16)]++;
        }
        double chiSquare = 0;
        for (int count : counts) {
            chiSquare += (count - 1000.0) * (count - 1000.0) / 1000.0;
        }
        assertTrue(chiSquare < 60, "chi-square " + chiSquare);
    }
}
