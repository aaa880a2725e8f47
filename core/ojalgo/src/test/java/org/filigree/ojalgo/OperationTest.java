package org.filigree.ojalgo;

import java.util.List;
import java.util.stream.Stream;
import org.filigree.core.backend.Backend;
import org.filigree.core.testkit.OperationCase;
import org.filigree.core.testkit.OperationCases;
import org.filigree.core.testkit.OperationSuite;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation on every backend that core and this artifact bring. */
class OperationTest {
    private static final List<OperationCase> CASES = OperationCases.all();

    static Stream<Arguments> cases() {
        return CASES.stream().flatMap(each -> on(TestBackends.CORE, each));
    }

    static Stream<Arguments> smoothCases() {
        return CASES.stream()
                .filter(each -> each.check() == OperationCase.Check.DIFFERENCES)
                .flatMap(each -> on(TestBackends.BLOCKS, each));
    }

    private static Stream<Arguments> on(String backends, OperationCase each) {
        return TestBackends.all(backends).stream()
                .map(backend -> Arguments.of(each, Named.of(backend.name(), backend)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void agreesWithDoublePrecision(OperationCase each, Backend backend) {
        OperationSuite.agree(each, TestBackends.oracle(), backend);
    }

    @ParameterizedTest
    @MethodSource("smoothCases")
    void gradientsAgreeWithCentralDifferences(OperationCase each, Backend backend) {
        OperationSuite.differences(each, backend);
    }
}
