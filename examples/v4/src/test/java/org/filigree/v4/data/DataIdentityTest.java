package org.filigree.v4.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class DataIdentityTest {
    private static final CorpusSource SOURCE = Texts.corpus(List.of()).source();
    private static final SourceFile A = Texts.file("a", "bc");
    private static final SourceFile B = Texts.file("b", "x");

    @Test
    void dependsOnPathsAndContentsNotOnOrder() {
        assertEquals(hash(A, B), hash(B, A));
        assertNotEquals(hash(A), hash(A, B));
        assertNotEquals(hash(A), hash(Texts.file("ab", "c")));
        assertNotEquals(hash(A), hash(Texts.file("a", "bd")));
        assertNotEquals(hash(A), hash(Texts.file("c", "bc")));
    }

    /** Computed by another implementation of the stated layout. */
    @Test
    void followsTheStatedLayout() {
        assertEquals("ac88d0bf92f540462372de52271a95ded56da7c7b33795a5f4af51da3da8bdb5", hash(A, B));
        DataIdentity identity = DataIdentity.of(SOURCE, new Split(0.5, List.of(A, B), List.of(B)));
        assertEquals("made-up", identity.source());
        assertEquals(2, identity.train().files());
        assertEquals(3, identity.train().bytes());
        assertEquals(1, identity.validation().bytes());
    }

    @Test
    void bytesAndTextsBecomeIdsAndBack() {
        assertArrayEquals(new int[] {'a', 0xc3, 0xa9}, ByteVocabulary.encode("aé"));
        assertEquals("aé", ByteVocabulary.decode('a', ByteVocabulary.MIDDLE, 0xc3, 0xa9, ByteVocabulary.PAD));
        assertEquals("\ufffd", ByteVocabulary.decode(0xc3));
    }

    private static String hash(SourceFile... files) {
        return DataIdentity.of(SOURCE, new Split(0.5, List.of(files), List.of()))
                .train()
                .sha256();
    }
}
