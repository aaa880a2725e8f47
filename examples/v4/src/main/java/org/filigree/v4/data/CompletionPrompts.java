package org.filigree.v4.data;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * Chooses prompts from held-out files: the first signature of a function that has enough text before it, with that
 * text, or else the first lines of the file. The same files give the same prompts.
 */
public final class CompletionPrompts {
    private static final String PURPOSE = "filigree/prompts";

    /** Lines that open a block with a condition are no signatures. */
    private static final Set<String> STATEMENTS = Set.of(
            "if",
            "else",
            "for",
            "while",
            "do",
            "switch",
            "try",
            "catch",
            "finally",
            "synchronized",
            "return",
            "new",
            "with",
            "elif",
            "except",
            "}",
            "*",
            "//",
            "/*",
            "#",
            "case",
            "default",
            "select",
            "match");

    private CompletionPrompts() {}

    /**
     * Chooses prompts.
     *
     * @param files             held-out files
     * @param count             prompts wanted
     * @param promptBytes       largest size of a prompt
     * @param continuationBytes largest size of the continuation
     * @return as many prompts, from different files; fewer only where there are fewer files
     * @throws IllegalArgumentException if a number is below 1
     */
    public static List<CompletionPrompt> of(List<SourceFile> files, int count, int promptBytes, int continuationBytes) {
        if (count < 1 || promptBytes < 1 || continuationBytes < 1) {
            throw new IllegalArgumentException(
                    "completion prompts: count (%d), promptBytes (%d) and continuationBytes (%d) must be at least 1"
                            .formatted(count, promptBytes, continuationBytes));
        }
        List<SourceFile> ordered = files.stream()
                .sorted(Comparator.<SourceFile>comparingLong(file -> PathHash.of(PURPOSE, file.path()))
                        .thenComparing(SourceFile::path))
                .toList();
        var chosen = new ArrayList<SourceFile>();
        ordered.stream()
                .filter(file -> signatureEnd(file, promptBytes) > 0)
                .limit(count)
                .forEach(chosen::add);
        ordered.stream()
                .filter(file -> !chosen.contains(file))
                .limit(count - chosen.size())
                .forEach(chosen::add);
        return chosen.stream()
                .map(file -> prompt(file, promptBytes, continuationBytes))
                .toList();
    }

    private static CompletionPrompt prompt(SourceFile file, int promptBytes, int continuationBytes) {
        byte[] content = file.content();
        int signature = signatureEnd(file, promptBytes);
        int end = signature > 0 ? signature : firstLinesEnd(content, promptBytes);
        int start = signature > 0 ? lineStartWithin(content, end, promptBytes) : 0;
        int stop = characterStart(content, Math.min(content.length, end + continuationBytes));
        return new CompletionPrompt(file.path(), text(content, start, end), text(content, end, stop));
    }

    /** Where the first signature with {@code before} bytes before its end has ended with its line; 0 if none. */
    private static int signatureEnd(SourceFile file, int before) {
        byte[] content = file.content();
        int lineStart = 0;
        for (int i = 0; i < content.length; i++) {
            if (content[i] != '\n') continue;
            boolean enoughBefore = i + 1 >= before && i + 1 - lineStart <= before;
            if (enoughBefore
                    && i + 1 < content.length
                    && isSignature(text(content, lineStart, i).strip())) {
                return i + 1;
            }
            lineStart = i + 1;
        }
        return 0;
    }

    private static boolean isSignature(String line) {
        int open = line.indexOf('(');
        boolean opensBlock = line.endsWith("{") || (line.startsWith("def ") && line.endsWith(":"));
        return opensBlock && open > 0 && !line.contains("=") && !STATEMENTS.contains(line.split("[ (]", 2)[0]);
    }

    /** The first start of a line that leaves at most {@code most} bytes up to the end. */
    private static int lineStartWithin(byte[] content, int end, int most) {
        int start = Math.max(0, end - most);
        if (start == 0 || content[start - 1] == '\n') return start;
        while (start < end - 1 && content[start] != '\n') start++;
        return start + 1;
    }

    /** The end of the last line that lies within the first half of the file and the size; else a character's end. */
    private static int firstLinesEnd(byte[] content, int most) {
        int within = Math.min(most, (content.length + 1) / 2);
        for (int end = within; end > 0; end--) {
            if (content[end - 1] == '\n') return end;
        }
        int cut = characterStart(content, within);
        return cut > 0 ? cut : content.length;
    }

    /** The start of the character that the byte at a position belongs to. */
    private static int characterStart(byte[] content, int position) {
        int start = position;
        while (start > 0 && start < content.length && (content[start] & 0xc0) == 0x80) start--;
        return start;
    }

    private static String text(byte[] content, int from, int to) {
        return new String(content, from, to - from, StandardCharsets.UTF_8);
    }
}
