package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import tools.jackson.databind.JsonNode;

class VocabularyCompressionProperties {
    @Example
    void buildsTheReferenceTable() {
        List<TokenText> tokens = new ArrayList<>();
        for (JsonNode each : Golden.at("token_map", "tokens").values()) {
            var token = new TokenText(
                    each.get("raw").asString(), each.get("decoded").asString());
            assertEquals(each.get("key").asString(), VocabularyCompression.key(token));
            tokens.add(token);
        }
        var compression = VocabularyCompression.of(tokens);
        assertArrayEquals(Golden.ints(Golden.at("token_map", "lookup")), compression.lookup());
        compression.expect(Golden.at("token_map", "compressed_size").asInt());
    }

    @Example
    void decodesByteLevelSpellings() {
        assertEquals(" the", TokenText.byteLevel("Ġthe").text());
        assertEquals("\u0300", TokenText.byteLevel("ÌĢ").text());
        assertTrue(TokenText.byteLevel("Ì").text().contains("\uFFFD"));
        assertEquals("\u00AD\u007F\u00A0", TokenText.byteLevel("ÂŃġÂł").text());
        assertThrows(IllegalArgumentException.class, () -> TokenText.byteLevel("a b"));
        assertThrows(IllegalArgumentException.class, () -> TokenText.byteLevel("ń"));
    }

    @Property
    void tokensShareAnIdExactlyIfTheyShareAKey(@ForAll("tokens") List<TokenText> tokens) {
        var compression = VocabularyCompression.of(tokens);
        int greatest = -1;
        for (int i = 0; i < tokens.size(); i++) {
            int id = compression.compress(i);
            assertTrue(id <= greatest + 1, "ids come in order of first use");
            greatest = Math.max(greatest, id);
            for (int j = 0; j < i; j++) {
                assertEquals(
                        VocabularyCompression.key(tokens.get(i)).equals(VocabularyCompression.key(tokens.get(j))),
                        id == compression.compress(j));
            }
        }
        assertEquals(greatest + 1, compression.size());
        assertEquals(tokens.size(), compression.vocabulary());
        assertArrayEquals(
                compression.lookup(),
                VocabularyCompression.of(compression.lookup()).lookup());
    }

    @Example
    void partsOfCharactersCountByTheirSpelling() {
        var first = new TokenText("Ã", "\uFFFD");
        var second = new TokenText("â", "\uFFFD");
        var normal = TokenText.plain("Ã".toLowerCase(Locale.ROOT));
        var compression = VocabularyCompression.of(List.of(first, second, first, normal));
        assertArrayEquals(new int[] {0, 1, 0, 2}, compression.lookup());
    }

    @Property
    void bytesWithoutCaseMergesLettersOnly(@ForAll @IntRange(min = 256, max = 300) int vocabulary) {
        var compression = VocabularyCompression.bytesWithoutCase(vocabulary).expect(vocabulary - 26);
        var seen = new HashSet<Integer>();
        for (int id = 0; id < vocabulary; id++) {
            boolean small = id >= 'a' && id <= 'z';
            assertEquals(!small, seen.add(compression.compress(id)));
            if (small) {
                assertEquals(compression.compress(id - 'a' + 'A'), compression.compress(id));
            }
        }
    }

    @Example
    void refusesTablesThatAreNone() {
        assertThrows(IllegalArgumentException.class, () -> VocabularyCompression.of(new int[0]));
        assertThrows(IllegalArgumentException.class, () -> VocabularyCompression.of(new int[] {0, 2}));
        assertThrows(IllegalArgumentException.class, () -> VocabularyCompression.of(new int[] {0, -1}));
        assertThrows(IllegalArgumentException.class, () -> VocabularyCompression.of(new int[] {1, 1, 3, 0}));
        var identity = VocabularyCompression.identity(7);
        assertThrows(IndexOutOfBoundsException.class, () -> identity.compress(7));
        assertThrows(IndexOutOfBoundsException.class, () -> identity.compress(-1));
        var refused = assertThrows(IllegalArgumentException.class, () -> identity.expect(8));
        assertTrue(refused.toString().contains("7 compressed ids"), refused.toString());
        assertNotEquals(0, identity.toString().length());
    }

    @Provide
    Arbitrary<List<TokenText>> tokens() {
        Arbitrary<String> text =
                Arbitraries.of("a", "A", " a", "ä", " ", "\t", "\n\n", "", "\u0301", "b", "\uFFFD", "B ", "ab");
        Arbitrary<TokenText> token =
                text.flatMap(each -> Arbitraries.of("r", "s", each).map(raw -> new TokenText(raw, each)));
        return token.list().ofMinSize(1).ofMaxSize(30);
    }
}
