package org.filigree.v4.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** Where source code comes from. */
public sealed interface CorpusSource {
    /**
     * The sources of a JDK.
     *
     * @param javaHome the home of the JDK, which holds {@code lib/src.zip}
     */
    record JdkSources(Path javaHome) implements CorpusSource {
        @Override
        public Path path() {
            return javaHome.resolve("lib", "src.zip");
        }

        @Override
        public Set<String> extensions() {
            return Set.of("java");
        }
    }

    /**
     * A folder, read recursively; symbolic links and names that begin with a dot are left out.
     *
     * @param path the folder
     */
    record Folder(Path path) implements CorpusSource {
        @Override
        public Set<String> extensions() {
            return SourceExtensions.COMMON;
        }
    }

    /**
     * A zip or jar archive; names that begin with a dot are left out.
     *
     * @param path the archive
     */
    record Archive(Path path) implements CorpusSource {
        @Override
        public Set<String> extensions() {
            return SourceExtensions.COMMON;
        }
    }

    /**
     * The folder or archive that is read.
     *
     * @return its path
     */
    Path path();

    /**
     * File name extensions that count as source code.
     *
     * @return extensions in lower case, without the dot
     */
    Set<String> extensions();

    /**
     * The sources of the running JDK.
     *
     * @return {@code lib/src.zip} below {@code java.home}
     * @throws CorpusException if the running Java comes without sources
     */
    static CorpusSource jdk() {
        return jdk(Path.of(System.getProperty("java.home")));
    }

    /**
     * The sources of a given JDK.
     *
     * @param javaHome the home of the JDK
     * @return {@code lib/src.zip} below it
     * @throws CorpusException if there is no such file
     */
    static CorpusSource jdk(Path javaHome) {
        var jdk = new JdkSources(javaHome);
        if (!Files.isRegularFile(jdk.path())) {
            throw new CorpusException(
                    CorpusException.Reason.NO_JDK_SOURCES,
                    "this Java (%s) comes without its sources (no %s); give a folder, zip or jar of source code with --data"
                            .formatted(javaHome, jdk.path()));
        }
        return jdk;
    }

    /**
     * A folder or an archive, whichever lies at a path.
     *
     * @param path a folder, zip or jar
     * @return the source
     * @throws CorpusException if nothing is there, or something else
     */
    static CorpusSource at(Path path) {
        if (Files.isDirectory(path)) return new Folder(path);
        if (Files.isRegularFile(path)) return new Archive(path);
        if (Files.exists(path)) {
            throw new CorpusException(
                    CorpusException.Reason.NOT_A_CORPUS, "%s is not a folder, zip or jar".formatted(path));
        }
        throw new CorpusException(
                CorpusException.Reason.NO_SUCH_PATH,
                "there is no %s; --data takes a folder, zip or jar of source code".formatted(path));
    }
}
