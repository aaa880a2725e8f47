package org.filigree.core.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.filigree.core.testkit.OperationCase;
import org.filigree.core.testkit.OperationCases;
import org.filigree.core.testkit.OperationSuite;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compositions in plain loops against kernels; the other backends meet the same cases in their own modules. */
class OperationTest {
    static List<OperationCase> cases() {
        return OperationCases.all();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void vectorAgreesWithScalar(OperationCase each) {
        OperationSuite.agree(each, TestBackends.get("scalar"), TestBackends.get("vector"));
    }

    @Test
    void everyPublicFunctionHasACase() throws IOException, ClassNotFoundException {
        Set<String> covered =
                cases().stream().map(OperationCase::operation).collect(Collectors.toCollection(TreeSet::new));
        var functions = new TreeSet<String>();
        for (String name : classNames()) {
            Class<?> type = Class.forName(MatMul.class.getPackageName() + "." + name);
            if (Modifier.isPublic(type.getModifiers())) {
                Arrays.stream(type.getDeclaredMethods())
                        .filter(OperationTest::isPublicFunction)
                        .forEach(method -> functions.add(name + "." + method.getName()));
            }
        }
        assertTrue(functions.size() > 50, () -> "only found " + functions);
        assertEquals(functions, covered);
    }

    private static boolean isPublicFunction(Method method) {
        return Modifier.isStatic(method.getModifiers()) && Modifier.isPublic(method.getModifiers());
    }

    /** Top-level classes of the package, from where its class files lie. */
    private static List<String> classNames() throws IOException {
        String file = MatMul.class.getSimpleName() + ".class";
        Path folder = Path.of(URI.create(String.valueOf(MatMul.class.getResource(file))))
                .resolveSibling("");
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(path -> path.getFileName().toString())
                    .filter(name -> name.endsWith(".class") && !name.contains("$") && !name.contains("-"))
                    .map(name -> name.substring(0, name.length() - ".class".length()))
                    .toList();
        }
    }
}
