package org.filigree.v4.data;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Token ids of a byte-level model: the 256 byte values, then five special ids.
 *
 * <p>A byte model needs no trained tokenizer, and its loss in bits per token on text is bits per byte, which can be
 * compared with any other model of the same bytes.
 */
public final class ByteVocabulary {
    /** Number of byte values; ids below this one are bytes. */
    public static final int BYTES = 256;

    /** Ends a file, and ends a completed middle. */
    public static final int SEPARATOR = 256;

    /** Opens the prefix of a fill-in-the-middle window. */
    public static final int PREFIX = 257;

    /** Opens the suffix of a fill-in-the-middle window. */
    public static final int SUFFIX = 258;

    /** Opens the middle of a fill-in-the-middle window. */
    public static final int MIDDLE = 259;

    /** Fills a window that is longer than the text left for it. */
    public static final int PAD = 260;

    /** Number of ids. */
    public static final int SIZE = 261;

    private ByteVocabulary() {}

    /**
     * Whether an id stands for a byte.
     *
     * @param id a token id
     * @return true below {@link #BYTES}
     */
    public static boolean isByte(int id) {
        return id >= 0 && id < BYTES;
    }

    /**
     * The ids of a text in UTF-8.
     *
     * @param text any text
     * @return one id per byte
     */
    public static int[] encode(String text) {
        return encode(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * The ids of some bytes.
     *
     * @param bytes any bytes
     * @return one id per byte
     */
    public static int[] encode(byte[] bytes) {
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) ids[i] = bytes[i] & 0xff;
        return ids;
    }

    /**
     * The text of some ids: special ids are left out, malformed UTF-8 becomes U+FFFD.
     *
     * @param ids token ids
     * @return the text
     */
    public static String decode(int... ids) {
        var bytes = new ByteArrayOutputStream(ids.length);
        for (int id : ids) {
            if (isByte(id)) bytes.write(id);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
