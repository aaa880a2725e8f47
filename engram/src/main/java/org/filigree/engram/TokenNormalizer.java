package org.filigree.engram;

import java.text.Normalizer;

/**
 * The text under which tokens are the same for n-grams: compatibility forms, marks, letter case and the kind of blank do not count.
 * {@code "Apple"}, {@code " apple"} and {@code "ÁPPLE"} all give {@code "apple"}.
 *
 * <p>In this order: NFKC; NFD; every code point of category M removed; each code point in lower case by itself; each run of space,
 * tab, CR and LF one space; Unicode white space stripped from both ends, unless the whole text is one space.
 *
 * <p>The result depends on the Unicode version of the JDK. Where it must agree with a released table, keep the table of compressed
 * ids as data and check its size with {@link VocabularyCompression#expect}.
 */
public final class TokenNormalizer {
    /** Stands for a text that is one space while blanks are stripped. */
    private static final char ONLY_SPACE = '\uE000';

    private TokenNormalizer() {}

    /**
     * Normalises a text.
     *
     * @param text any text
     * @return the normal form, possibly empty
     */
    public static String normalize(String text) {
        String decomposed = Normalizer.normalize(Normalizer.normalize(text, Normalizer.Form.NFKC), Normalizer.Form.NFD);
        String collapsed = joinBlanks(lowerWithoutMarks(decomposed));
        return strip(collapsed.equals(" ") ? String.valueOf(ONLY_SPACE) : collapsed)
                .replace(ONLY_SPACE, ' ');
    }

    private static String lowerWithoutMarks(String text) {
        var kept = new StringBuilder(text.length());
        text.codePoints().filter(c -> !mark(c)).forEach(c -> kept.appendCodePoint(Character.toLowerCase(c)));
        return kept.toString();
    }

    private static boolean mark(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK -> true;
            default -> false;
        };
    }

    private static String joinBlanks(String text) {
        var joined = new StringBuilder(text.length());
        boolean inBlanks = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
            if (!blank || !inBlanks) {
                joined.append(blank ? ' ' : c);
            }
            inBlanks = blank;
        }
        return joined.toString();
    }

    private static String strip(String text) {
        int from = 0;
        int to = text.length();
        while (from < to && whiteSpace(text.charAt(from))) {
            from++;
        }
        while (to > from && whiteSpace(text.charAt(to - 1))) {
            to--;
        }
        return text.substring(from, to);
    }

    /** Unicode's property White_Space, which {@link Character#isWhitespace} is not. */
    private static boolean whiteSpace(char c) {
        return switch (c) {
            case ' ', '\u0085', '\u00A0', '\u1680', '\u2028', '\u2029', '\u202F', '\u205F', '\u3000' -> true;
            default -> (c >= '\t' && c <= '\r') || (c >= '\u2000' && c <= '\u200A');
        };
    }
}
