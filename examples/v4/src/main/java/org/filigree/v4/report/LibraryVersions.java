package org.filigree.v4.report;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/** Versions of the libraries on the class or module path, from the {@code pom.properties} that Maven packs into jars. */
public final class LibraryVersions {
    private static final List<String> COORDINATES = List.of(
            "org.filigree/filigree-core",
            "org.filigree/filigree-attention",
            "org.filigree/filigree-moe",
            "org.filigree/filigree-engram",
            "org.filigree/filigree-mhc",
            "org.filigree/filigree-kvcache",
            "org.filigree/filigree-v4",
            "org.filigree/filigree-ojalgo",
            "org.filigree/filigree-nd4j",
            "org.ojalgo/ojalgo",
            "org.nd4j/nd4j-api",
            "tools.jackson.core/jackson-databind");

    private LibraryVersions() {}

    /**
     * The versions that can be found. A library run from a folder of classes has none.
     *
     * @return artifact to version, sorted
     */
    public static Map<String, String> detect() {
        var versions = new TreeMap<String, String>();
        for (String coordinate : COORDINATES) {
            String resource = "META-INF/maven/" + coordinate + "/pom.properties";
            try (InputStream in = LibraryVersions.class.getClassLoader().getResourceAsStream(resource)) {
                if (in == null) continue;
                var properties = new Properties();
                properties.load(in);
                versions.put(
                        coordinate.substring(coordinate.indexOf('/') + 1),
                        properties.getProperty("version", "unknown"));
            } catch (IOException e) {
                throw new ReportException("cannot read %s: %s".formatted(resource, e), e);
            }
        }
        return versions;
    }
}
