package org.filigree.v4.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;

/**
 * What a run was trained and measured on, exactly.
 *
 * @param source          folder or archive
 * @param validationShare share of files held out
 * @param train           the training side
 * @param validation      the held-out side
 */
public record DataIdentity(String source, double validationShare, SideIdentity train, SideIdentity validation) {
    /**
     * One side of the split.
     *
     * @param files  number of files
     * @param bytes  their total size
     * @param sha256 SHA-256 over the files in order of path, for each: length of the path in bytes (4 bytes,
     *               big-endian), path in UTF-8, length of the content (4 bytes), content; in lower-case hexadecimal
     */
    public record SideIdentity(int files, long bytes, String sha256) {
        static SideIdentity of(List<SourceFile> files) {
            MessageDigest sha = Sha256.digest();
            long bytes = 0;
            for (SourceFile file : files.stream()
                    .sorted(Comparator.comparing(SourceFile::path))
                    .toList()) {
                update(sha, file.path().getBytes(StandardCharsets.UTF_8));
                update(sha, file.content());
                bytes += file.content().length;
            }
            return new SideIdentity(files.size(), bytes, HexFormat.of().formatHex(sha.digest()));
        }

        private static void update(MessageDigest sha, byte[] part) {
            sha.update(ByteBuffer.allocate(Integer.BYTES).putInt(part.length).flip());
            sha.update(part);
        }
    }

    /**
     * The identity of a split corpus.
     *
     * @param source where the files were read from
     * @param split  the files
     * @return counts and hashes
     */
    public static DataIdentity of(CorpusSource source, Split split) {
        return new DataIdentity(
                source.path().toString(),
                split.validationShare(),
                SideIdentity.of(split.train()),
                SideIdentity.of(split.validation()));
    }
}
