package org.filigree.nd4j;

import java.util.List;
import org.filigree.core.testkit.OperationCase;
import org.filigree.core.testkit.OperationCases;
import org.filigree.core.testkit.OperationSuite;
import org.filigree.core.testkit.TestBackends;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation on ND4J. */
class OperationTest {
    private static final List<OperationCase> CASES = OperationCases.all();

    static List<OperationCase> cases() {
        return CASES;
    }

    static List<OperationCase> smoothCases() {
        return CASES.stream()
                .filter(each -> each.check() == OperationCase.Check.DIFFERENCES)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void agreesWithDoublePrecision(OperationCase each) {
        OperationSuite.agree(each, TestBackends.oracle(), TestBackends.get("nd4j"));
    }

    @ParameterizedTest
    @MethodSource("smoothCases")
    void gradientsAgreeWithCentralDifferences(OperationCase each) {
        OperationSuite.differences(each, TestBackends.get("nd4j"));
    }
}
