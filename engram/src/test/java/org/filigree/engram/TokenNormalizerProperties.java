package org.filigree.engram;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.text.Normalizer;
import java.util.Locale;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.AlphaChars;
import tools.jackson.databind.JsonNode;

class TokenNormalizerProperties {
    @Example
    void agreesWithTheReferenceLibrary() {
        for (JsonNode each : Golden.at("normalizer").values()) {
            String in = each.get("in").asString();
            assertEquals(each.get("normalized").asString(), TokenNormalizer.normalize(in), () -> escaped(in));
            assertEquals(each.get("key").asString(), VocabularyCompression.key(TokenText.plain(in)), () -> escaped(in));
        }
    }

    @Example
    void isIdempotentOnEveryCodePoint() {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
                String once = TokenNormalizer.normalize(Character.toString(c));
                assertEquals(once, TokenNormalizer.normalize(once), "U+" + Integer.toHexString(c));
            }
        }
    }

    @Property
    void ignoresCaseBlanksAndAccents(@ForAll @AlphaChars String letters, @ForAll("blanks") String blanks) {
        String normal = TokenNormalizer.normalize(letters);
        if (!normal.isEmpty()) {
            assertEquals(normal, TokenNormalizer.normalize(letters.toUpperCase(Locale.ROOT)));
            assertEquals(normal, TokenNormalizer.normalize(blanks + letters + blanks));
            assertEquals(normal, TokenNormalizer.normalize(letters.replaceAll("(.)", "$1\u0301\u0323")));
            assertEquals(
                    normal,
                    TokenNormalizer.normalize(
                            Normalizer.normalize(letters.replaceAll("(.)", "$1\u0301"), Normalizer.Form.NFC)));
        }
    }

    @Property
    void joinsRunsOfBlanks(
            @ForAll @AlphaChars String left, @ForAll @AlphaChars String right, @ForAll("blanks") String blanks) {
        if (!left.isEmpty() && !right.isEmpty() && !blanks.isEmpty()) {
            assertEquals(
                    TokenNormalizer.normalize(left) + " " + TokenNormalizer.normalize(right),
                    TokenNormalizer.normalize(left + blanks + right));
        }
    }

    @Provide
    Arbitrary<String> blanks() {
        return Arbitraries.strings().withChars(" \t\r\n").ofMaxLength(4);
    }

    private static String escaped(String text) {
        var codes = new StringBuilder();
        text.codePoints().forEach(c -> codes.append(String.format("U+%04X ", c)));
        return codes.toString();
    }
}
