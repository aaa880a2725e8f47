package org.filigree.v4.data;

import java.util.List;

/**
 * Files one after the other as token ids, each ended by {@link ByteVocabulary#SEPARATOR}. Two bytes a token.
 */
public final class TokenStream {
    private final short[] ids;

    private TokenStream(short[] ids) {
        this.ids = ids;
    }

    /**
     * The files in the order given.
     *
     * @param files at least one file
     * @return their tokens
     * @throws IllegalArgumentException if there is no file, or more than 2^31 − 1 tokens
     */
    public static TokenStream of(List<SourceFile> files) {
        if (files.isEmpty()) throw new IllegalArgumentException("token stream: no files");
        long length =
                files.stream().mapToLong(file -> file.content().length + 1L).sum();
        if (length > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(
                    "token stream: %d tokens do not fit into one array; lower the corpus limit".formatted(length));
        }
        short[] ids = new short[(int) length];
        int end = 0;
        for (SourceFile file : files) {
            for (byte b : file.content()) ids[end++] = (short) (b & 0xff);
            ids[end++] = ByteVocabulary.SEPARATOR;
        }
        return new TokenStream(ids);
    }

    /**
     * Number of tokens.
     *
     * @return bytes plus one per file
     */
    public int length() {
        return ids.length;
    }

    /**
     * One token.
     *
     * @param position position, 0 … length − 1
     * @return its id
     */
    public int id(int position) {
        return ids[position];
    }
}
