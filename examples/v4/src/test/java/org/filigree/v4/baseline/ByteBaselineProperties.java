package org.filigree.v4.baseline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.filigree.v4.data.ByteVocabulary;
import org.filigree.v4.data.HeldOutWindows;
import org.filigree.v4.data.SourceFile;
import org.filigree.v4.data.Texts;
import org.filigree.v4.data.TokenStream;
import org.filigree.v4.data.TokenWindows;

class ByteBaselineProperties {
    /** A sum of 257 doubles, each off by a few rounding errors per order. */
    private static final double SUM_TOLERANCE = 257 * 16 * Math.ulp(1.0);

    @Property(tries = 60)
    void probabilitiesSumToOne(
            @ForAll long seed,
            @ForAll @Size(min = 1, max = 3) List<@IntRange(min = 0, max = 200) Integer> sizes,
            @ForAll @IntRange(min = 1, max = 7) int order,
            @ForAll @Size(min = 1, max = 9) List<@IntRange(min = 0, max = 260) Integer> unseen) {
        TokenStream stream = TokenStream.of(Texts.files(seed, ints(sizes)));
        for (ByteBaseline model : List.of(ByteBigram.train(stream), ByteNgram.train(stream, order))) {
            assertSumsToOne(model, ints(unseen));
            int from = Math.max(0, stream.length() - 9);
            int[] seen = new int[stream.length() - from];
            for (int i = 0; i < seen.length; i++) seen[i] = stream.id(from + i);
            assertSumsToOne(model, seen);
        }
    }

    @Property(tries = 60)
    void ngramsFollowTheFormula(
            @ForAll long seed,
            @ForAll @Size(min = 1, max = 3) List<@IntRange(min = 1, max = 150) Integer> sizes,
            @ForAll @IntRange(min = 1, max = 7) int order) {
        TokenStream stream = TokenStream.of(Texts.files(seed, ints(sizes)));
        ByteNgram model = ByteNgram.train(stream, order);
        var naive = new NaiveWittenBell(stream, order);
        TokenWindows windows = HeldOutWindows.of(TokenStream.of(Texts.files(seed + 1, 40)), 13, 3);
        for (int window = 0; window < windows.count(); window++) {
            var before = new StringBuilder().append((char) windows.id(window, 0));
            for (int position = 1; position <= windows.length(); position++) {
                char id = (char) windows.id(window, position);
                double expected = naive.probability(before.substring(Math.max(0, before.length() - order + 1)), id);
                assertEquals(expected, model.probability(windows, window, position), 8 * order * Math.ulp(expected));
                before.append(id);
            }
        }
    }

    @Example
    void aFullTableShortensContextsButKeepsProbabilities() {
        TokenStream stream = TokenStream.of(List.of(noise(20_000)));
        ByteNgram model = ByteNgram.train(stream, 5, 9);
        assertTrue(model.shortened() > 10_000, () -> "shortened " + model.shortened());
        for (int i = 0; i < 50; i++) {
            assertSumsToOne(
                    model, stream.id(i), stream.id(i + 1), stream.id(i + 2), stream.id(i + 3), stream.id(i + 4));
        }
        assertEquals(0, ByteNgram.train(stream, 5).shortened());
    }

    @Example
    void bigramCountsPairs() {
        TokenStream stream = TokenStream.of(List.of(Texts.file("a", "abab")));
        TokenWindows windows = new TokenWindows(1, 2, new int[] {'a', 'b', 'b'});
        ByteBigram model = ByteBigram.train(stream);
        assertEquals((2 + 1) / (2 + 257.0), model.probability(windows, 0, 1));
        assertEquals((0 + 1) / (2 + 257.0), model.probability(windows, 0, 2));
    }

    @Example
    void scoresBytesAlone() {
        TokenWindows windows = new TokenWindows(
                2, 3, new int[] {'a', 'b', ByteVocabulary.SEPARATOR, 'c', 'a', ByteVocabulary.PAD, 'b', 'd'});
        ByteBigram model = ByteBigram.train(TokenStream.of(Texts.files(1, 50)));
        BaselineScore score = model.score(windows);
        double expected = 0;
        for (int[] at : new int[][] {{0, 1}, {0, 3}, {1, 2}, {1, 3}}) {
            expected -= Math.log(model.probability(windows, at[0], at[1])) / Math.log(2);
        }
        assertEquals(4, score.bytes());
        assertEquals(windows.byteTargets(), score.bytes());
        assertEquals(expected, score.bits(), 1e-12);
        assertEquals(expected / 4, score.bitsPerByte(), 1e-12);
        assertEquals("byte bigram", score.name());
    }

    @Example
    void longerContextsPredictRepetitionBetter() {
        TokenStream stream = TokenStream.of(List.of(Texts.file("a", "for (int i = 0; i < n; i++) ".repeat(200))));
        TokenWindows windows = HeldOutWindows.of(stream, 64, 20);
        double bigram = ByteBigram.train(stream).score(windows).bitsPerByte();
        double fiveGram = ByteNgram.train(stream).score(windows).bitsPerByte();
        assertTrue(fiveGram < 0.2 && fiveGram < bigram / 4, () -> bigram + " and " + fiveGram);
    }

    @Example
    void refusesAnOrderOutOfRange() {
        TokenStream stream = TokenStream.of(Texts.files(1, 5));
        for (int order : new int[] {0, 8}) {
            assertThrows(IllegalArgumentException.class, () -> ByteNgram.train(stream, order));
        }
    }

    private static SourceFile noise(int size) {
        byte[] content = new byte[size];
        new Random(11).nextBytes(content);
        return new SourceFile("noise", content);
    }

    private static void assertSumsToOne(ByteBaseline model, int... context) {
        int[] ids = Arrays.copyOf(context, context.length + 1);
        double sum = 0;
        for (int id = 0; id < ByteBaseline.OUTCOMES; id++) {
            ids[context.length] = id;
            double p = model.probability(new TokenWindows(1, context.length, ids), 0, context.length);
            assertTrue(p > 0 && p < 1, () -> "probability " + p);
            sum += p;
        }
        assertEquals(1, sum, SUM_TOLERANCE);
    }

    /** The recursion of the Javadoc over maps of strings, one character a token. */
    private static final class NaiveWittenBell {
        private final Map<String, Integer> counts = new HashMap<>();
        private final Map<String, Integer> followers = new HashMap<>();
        private final Map<String, Set<Character>> followerTypes = new HashMap<>();

        NaiveWittenBell(TokenStream stream, int order) {
            var text = new StringBuilder(("" + (char) ByteVocabulary.SEPARATOR).repeat(order - 1));
            for (int i = 0; i < stream.length(); i++) {
                char id = (char) stream.id(i);
                for (int length = 0; length < order; length++) {
                    String context = text.substring(text.length() - length);
                    counts.merge(context + id, 1, Integer::sum);
                    followers.merge(context, 1, Integer::sum);
                    followerTypes.computeIfAbsent(context, c -> new HashSet<>()).add(id);
                }
                text.append(id);
            }
        }

        double probability(String context, char id) {
            double shorter = context.isEmpty() ? 1.0 / 257 : probability(context.substring(1), id);
            int seen = followers.getOrDefault(context, 0);
            if (seen == 0) return shorter;
            int types = followerTypes.getOrDefault(context, Set.of()).size();
            return (counts.getOrDefault(context + id, 0) + types * shorter) / (seen + types);
        }
    }

    private static int[] ints(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }
}
