package org.filigree.v4.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CompletionPromptsTest {
    private static final String CODE = """
            package a;

            /** A counter with a comment that is long enough to be cut off before the prompt begins. */
            final class Counter {
                private int count;

                int next(int by) {
                    if (by > 0) {
                        count += by;
                    }
                    return count;
                }
            }
            """;

    @Test
    void endsAtASignatureAndContinuesWithItsBody() {
        CompletionPrompt prompt = CompletionPrompts.of(List.of(Texts.file("C.java", CODE)), 1, 80, 30)
                .getFirst();
        assertEquals("C.java", prompt.path());
        assertEquals("""
                final class Counter {
                    private int count;

                    int next(int by) {
                """, prompt.prompt());
        assertEquals("        if (by > 0) {\n        ", prompt.continuation());
    }

    @Test
    void fallsBackToTheFirstLines() {
        var files = List.of(
                Texts.file("a.txt", "one\ntwo\nthree\nfour\nfive\nsix\n"),
                Texts.file("b.txt", "é".repeat(9)),
                Texts.file("c.txt", "x"));
        List<CompletionPrompt> prompts = CompletionPrompts.of(files, 3, 12, 5);
        assertEquals(3, prompts.size());
        for (CompletionPrompt prompt : prompts) {
            switch (prompt.path()) {
                case "a.txt" -> assertEquals(new CompletionPrompt("a.txt", "one\ntwo\n", "three"), prompt);
                case "b.txt" -> assertEquals(new CompletionPrompt("b.txt", "éééé", "éé"), prompt);
                default -> assertEquals(new CompletionPrompt("c.txt", "x", ""), prompt);
            }
        }
    }

    @Test
    void areTheSameInAnyOrderAndFromDifferentFiles() {
        var files = new ArrayList<SourceFile>();
        for (int i = 0; i < 20; i++) files.add(Texts.file("C" + i + ".java", CODE.replace("count", "count" + i)));
        List<CompletionPrompt> prompts = CompletionPrompts.of(files, 3, 120, 60);
        assertEquals(3, prompts.stream().map(CompletionPrompt::path).distinct().count());
        assertEquals(prompts, CompletionPrompts.of(files.reversed(), 3, 120, 60));
        for (CompletionPrompt prompt : prompts) {
            assertTrue(prompt.prompt().getBytes(StandardCharsets.UTF_8).length <= 120);
            assertFalse(prompt.continuation().isEmpty());
        }
    }
}
