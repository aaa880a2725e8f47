package org.filigree.engram;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * One token of a vocabulary, as its tokenizer writes it and as it reads.
 *
 * @param raw the tokenizer's own spelling, for instance {@code Ġthe} in a byte-level vocabulary
 * @param text the decoded text, for instance {@code " the"}, with U+FFFD where its bytes are no whole characters
 */
public record TokenText(String raw, String text) {
    /**
     * A token that is spelled as it reads, as added and special tokens are.
     *
     * @param text the token
     * @return the pair
     */
    public static TokenText plain(String text) {
        return new TokenText(text, text);
    }

    /**
     * A token of a byte-level vocabulary (Radford et al., 2019), whose spelling has one printable character for each byte: the byte's
     * own where that is printable, else one of those from U+0100 on.
     *
     * @param raw the spelling
     * @return the pair
     * @throws IllegalArgumentException if a character stands for no byte
     */
    public static TokenText byteLevel(String raw) {
        var bytes = new ByteArrayOutputStream(raw.length());
        for (int i = 0; i < raw.length(); i++) {
            bytes.write(byteOf(raw, raw.charAt(i)));
        }
        return new TokenText(raw, bytes.toString(StandardCharsets.UTF_8));
    }

    /** The bytes without a printable character are 0–32, 127–160 and 173; they are numbered in this order from U+0100. */
    private static int byteOf(String raw, char c) {
        if (c < 256 && !unprintable(c)) {
            return c;
        }
        int rank = c - 256;
        int value = rank <= 32 ? rank : rank <= 66 ? rank + 94 : 173;
        if (rank < 0 || rank > 67) {
            throw new IllegalArgumentException("byteLevel: token \"" + raw + "\" has the character "
                    + String.format("U+%04X", (int) c) + ", which stands for no byte; is it an added token?");
        }
        return value;
    }

    private static boolean unprintable(char c) {
        return c <= 32 || (c >= 127 && c <= 160) || c == 173;
    }
}
