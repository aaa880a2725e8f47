package org.filigree.v4.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.UniqueElements;

class SplitProperties {
    @Property(tries = 100)
    void everyFileIsOnExactlyOneSideInAnyOrder(
            @ForAll @Size(min = 2, max = 40) @UniqueElements List<String> paths,
            @ForAll @DoubleRange(min = 0.3, max = 0.7) double share,
            @ForAll long seed) {
        List<SourceFile> files =
                paths.stream().map(path -> Texts.file(path, "x")).toList();
        var shuffled = new ArrayList<>(files);
        Collections.shuffle(shuffled, new Random(seed));
        Set<SourceFile> train = side(files, share, Side.TRAIN);
        Set<SourceFile> validation = side(files, share, Side.VALIDATION);
        if (train.isEmpty() || validation.isEmpty()) {
            CorpusException e = assertThrows(CorpusException.class, () -> Split.of(Texts.corpus(files), share));
            assertEquals(CorpusException.Reason.EMPTY_SIDE, e.reason());
            assertEquals(1, e.getMessage().lines().count());
            return;
        }
        Split split = Split.of(Texts.corpus(shuffled), share);
        assertEquals(train, new HashSet<>(split.train()));
        assertEquals(validation, new HashSet<>(split.validation()));
        assertEquals(files.size(), split.train().size() + split.validation().size());
    }

    @Property(tries = 100)
    void aLargerShareOnlyAddsToTheHeldOut(
            @ForAll String path,
            @ForAll @DoubleRange(min = 0.01, max = 0.99) double one,
            @ForAll @DoubleRange(min = 0.01, max = 0.99) double other) {
        if (Split.sideOf(path, Math.min(one, other)) == Side.VALIDATION) {
            assertEquals(Side.VALIDATION, Split.sideOf(path, Math.max(one, other)));
        }
    }

    /** Fixed values: a change of the hash would silently move files of every published split. */
    @Example
    void staysWhatItWas() {
        assertEquals(0xb1dee792404a22e5L, PathHash.of("filigree/split", "java.base/java/lang/String.java"));
    }

    /** Five standard deviations of a binomial count. */
    @Example
    void holdsOutTheShareAskedFor() {
        int held = (int) IntStream.range(0, 20_000)
                .filter(i -> Split.sideOf("module/p%d/C%d.java".formatted(i % 97, i), 0.05) == Side.VALIDATION)
                .count();
        assertEquals(1000, held, 5 * Math.sqrt(20_000 * 0.05 * 0.95));
    }

    @Example
    void refusesAShareOutsideItsRange() {
        for (double share : new double[] {0, 1, -0.1, 1.1, Double.NaN}) {
            var e = assertThrows(IllegalArgumentException.class, () -> Split.sideOf("a", share));
            assertTrue(String.valueOf(e.getMessage()).contains(Double.toString(share)), e.getMessage());
        }
    }

    private static Set<SourceFile> side(List<SourceFile> files, double share, Side side) {
        var set = new HashSet<SourceFile>();
        for (SourceFile file : files) {
            if (Split.sideOf(file.path(), share) == side) set.add(file);
        }
        return set;
    }
}
