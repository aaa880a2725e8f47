package org.filigree.core.io;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Pulls the JSON of a header or an index, strictly: RFC 8259 with duplicate keys, lone surrogates, malformed UTF-8,
 * deep nesting and anything after the value refused. It pulls what the caller expects instead of building a tree, so
 * a hostile header cannot ask for much memory.
 */
final class JsonCursor {
    private static final int MAX_DEPTH = 16;

    private final byte[] text;
    private final long base;
    private final Path file;
    private int at;
    private int depth;
    private @Nullable String tensor;

    /**
     * A cursor before the first byte.
     *
     * @param text the JSON
     * @param base place of the first byte in the file, for messages
     * @param file for messages
     */
    JsonCursor(byte[] text, long base, Path file) {
        this.text = text;
        this.base = base;
        this.file = file;
    }

    /** Called with the cursor before a member's value, which it must consume. */
    interface Member {
        void read(String key, long keyOffset);
    }

    /** Failures from here on name this tensor; null ends that. */
    void about(@Nullable String name) {
        tensor = name;
    }

    SafetensorsException failure(String problem, long offset) {
        return new SafetensorsException(problem, file, tensor, offset, null);
    }

    /** Place of the next value, in bytes from the start of the file. */
    long offset() {
        skipSpace();
        return base + at;
    }

    void object(String what, Member member) {
        expect('{', what + " must be an object");
        descend();
        Set<String> keys = new HashSet<>();
        if (!accept('}')) {
            do {
                long keyOffset = offset();
                String key = string("a key of " + what);
                if (!keys.add(key)) {
                    throw failure("duplicate key '" + key + "' in " + what, keyOffset);
                }
                expect(':', "a key must be followed by ':'");
                member.read(key, keyOffset);
            } while (accept(','));
            expect('}', what + " must go on with ',' or end with '}'");
        }
        depth--;
    }

    void array(String what, Runnable element) {
        expect('[', what + " must be an array");
        descend();
        if (!accept(']')) {
            do {
                element.run();
            } while (accept(','));
            expect(']', what + " must go on with ',' or end with ']'");
        }
        depth--;
    }

    /** A whole number from 0 to 2^63 − 1, written in digits only. */
    long wholeNumber(String what) {
        long start = offset();
        int begin = at;
        number(what + " must be a whole number");
        String digits = slice(begin);
        if (digits.startsWith("-")) {
            throw failure(what + " is " + digits + " but must not be negative", start);
        }
        if (!digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw failure(what + " is " + digits + " but must be a whole number in plain digits", start);
        }
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException tooLarge) {
            throw failure(what + " is " + digits + ", more than 63 bits hold", start);
        }
    }

    String string(String what) {
        expect('"', what + " must be a string");
        int begin = at;
        while (at < text.length && text[at] != '"' && text[at] != '\\') {
            if (text[at] >= 0 && text[at] < 0x20) {
                throw failure("unescaped control character in a string", base + at);
            }
            at++;
        }
        String plain = utf8(begin, at);
        if (accepting('"')) {
            return plain;
        }
        StringBuilder decoded = new StringBuilder(plain);
        while (!accepting('"')) {
            if (at >= text.length) {
                throw failure("the string that starts here never ends", base + begin - 1);
            }
            if (text[at] == '\\') {
                at++;
                escape(decoded);
            } else {
                int run = at;
                while (at < text.length && text[at] != '"' && text[at] != '\\') {
                    if (text[at] >= 0 && text[at] < 0x20) {
                        throw failure("unescaped control character in a string", base + at);
                    }
                    at++;
                }
                decoded.append(utf8(run, at));
            }
        }
        return decoded.toString();
    }

    /** Checks and skips a value of any kind; gives a string's content, or another value's source. */
    String any(String what) {
        offset();
        int begin = at;
        if (at < text.length && text[at] == '"') {
            return string(what);
        }
        skip(what);
        return slice(begin);
    }

    /** Only white space may be left. */
    void end(String what) {
        skipSpace();
        if (at < text.length) {
            throw failure(what + " is followed by more than white space", base + at);
        }
    }

    private void skip(String what) {
        skipSpace();
        switch (at < text.length ? text[at] : 0) {
            case '{' -> object(what, (_, _) -> skip(what));
            case '[' -> array(what, () -> skip(what));
            case '"' -> string(what);
            case 't' -> literal("true");
            case 'f' -> literal("false");
            case 'n' -> literal("null");
            default -> number(what + " must be a JSON value");
        }
    }

    private void literal(String word) {
        for (int i = 0; i < word.length(); i++) {
            if (!accepting(word.charAt(i))) {
                throw failure("'" + word + "' expected", base + at);
            }
        }
    }

    private void number(String expectation) {
        int begin = at;
        accepting('-');
        if (!accepting('0') && digits() == 0) {
            at = begin;
            throw unexpected(expectation);
        }
        if (accepting('.') && digits() == 0) {
            throw unexpected("a number's point must be followed by digits");
        }
        if (accepting('e') || accepting('E')) {
            if (!accepting('+')) {
                accepting('-');
            }
            if (digits() == 0) {
                throw unexpected("a number's exponent must have digits");
            }
        }
        if (at < text.length && text[at] >= '0' && text[at] <= '9') {
            throw failure("a number must not start with 0", base + begin);
        }
    }

    private int digits() {
        int begin = at;
        while (at < text.length && text[at] >= '0' && text[at] <= '9') {
            at++;
        }
        return at - begin;
    }

    private void escape(StringBuilder decoded) {
        long start = base + at - 1;
        byte kind = at < text.length ? text[at++] : 0;
        switch (kind) {
            case '"', '\\', '/' -> decoded.append((char) kind);
            case 'b' -> decoded.append('\b');
            case 'f' -> decoded.append('\f');
            case 'n' -> decoded.append('\n');
            case 'r' -> decoded.append('\r');
            case 't' -> decoded.append('\t');
            case 'u' -> {
                char first = hexadecimal(start);
                decoded.append(first);
                if (Character.isHighSurrogate(first) && accepting('\\') && accepting('u')) {
                    char second = hexadecimal(start);
                    decoded.append(second);
                    if (Character.isLowSurrogate(second)) {
                        return;
                    }
                }
                if (Character.isSurrogate(first)) {
                    throw failure("a surrogate without its other half", start);
                }
            }
            default -> throw failure("unknown escape in a string", start);
        }
    }

    private char hexadecimal(long start) {
        int unit = 0;
        for (int i = 0; i < 4; i++) {
            int digit = at < text.length ? Character.digit(text[at], 16) : -1;
            if (digit < 0) {
                throw failure("\\u must be followed by four hexadecimal digits", start);
            }
            unit = unit << 4 | digit;
            at++;
        }
        return (char) unit;
    }

    private String utf8(int begin, int end) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(text, begin, end - begin))
                    .toString();
        } catch (CharacterCodingException malformed) {
            throw new SafetensorsException("a string that is not valid UTF-8", file, tensor, base + begin, malformed);
        }
    }

    private void descend() {
        if (++depth > MAX_DEPTH) {
            throw failure("nested more than " + MAX_DEPTH + " deep", base + at - 1);
        }
    }

    private void expect(char symbol, String expectation) {
        skipSpace();
        if (!accepting(symbol)) {
            throw unexpected(expectation);
        }
    }

    private boolean accept(char symbol) {
        skipSpace();
        return accepting(symbol);
    }

    private boolean accepting(char symbol) {
        if (at < text.length && text[at] == symbol) {
            at++;
            return true;
        }
        return false;
    }

    private void skipSpace() {
        while (at < text.length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
            at++;
        }
    }

    private SafetensorsException unexpected(String expectation) {
        if (at >= text.length) {
            return failure(expectation + ", but the text ends", base + at);
        }
        int found = text[at] & 0xFF;
        String shown = found > 0x20 && found < 0x7F ? "'" + (char) found + "'" : "byte " + found;
        return failure(expectation + ", but found " + shown, base + at);
    }

    private String slice(int begin) {
        return new String(text, begin, at - begin, StandardCharsets.UTF_8);
    }
}
