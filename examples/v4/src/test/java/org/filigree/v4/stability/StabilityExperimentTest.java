package org.filigree.v4.stability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.testkit.TestBackends;
import org.filigree.mhc.Gain;
import org.filigree.v4.data.HeldOutWindows;
import org.filigree.v4.data.Texts;
import org.filigree.v4.data.TokenStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StabilityExperimentTest {
    private static final Backend BACKEND = TestBackends.get("vector");

    private static List<StabilityResult> run() {
        StabilityPlan plan = StabilityPlan.quick();
        TokenStream text = TokenStream.of(Texts.files(1, 400, 300));
        var told = new ArrayList<StabilityResult>();
        List<StabilityResult> results = new StabilityExperiment(
                        plan, text, HeldOutWindows.of(text, plan.length(), plan.heldOutWindows()))
                .run(BACKEND, told::add);
        assertEquals(results, told);
        return results;
    }

    @Test
    void measuresEveryStackBeforeAndAfterAndRepeatsBitForBit() {
        List<StabilityResult> results = run();
        assertEquals(results, run());
        assertEquals(2 * 5, results.size());
        for (StabilityResult result : results) {
            assertEquals(3, result.steps());
            assertTrue(result.trained().bitsPerByte() < result.start().bitsPerByte(), result::toString);
            switch (result.contender().name()) {
                case "residual" -> assertEquals(new Gain(1, 1), result.trained().composite());
                case "HC" -> {
                    assertEquals(new Gain(1, 1), result.start().composite(), "the published start mixes nothing");
                    assertTrue(result.trained().composite().forward() > 1);
                }
                case "HC, drawn" -> assertTrue(result.start().composite().forward() > 1.02, result::toString);
                default -> {
                    assertEquals(1, result.trained().composite().forward(), 1e-4);
                    assertEquals(1, result.trained().composite().backward(), 0.1);
                }
            }
        }
    }

    @Test
    void aStackThatDivergesIsReportedAndNotTheEnd() {
        StabilityPlan plan = new StabilityPlan(List.of(4), 4, 16, 6, 2, 16, 1e-2, 1e39, 2, 20, 42);
        TokenStream text = TokenStream.of(Texts.files(1, 400, 300));
        List<StabilityResult> results = new StabilityExperiment(
                        plan, text, HeldOutWindows.of(text, plan.length(), plan.heldOutWindows()))
                .run(BACKEND, result -> {});
        for (StabilityResult result : results) {
            boolean drawn = result.contender().name().endsWith("drawn");
            assertEquals(drawn ? 0 : plan.steps(), result.steps(), result::toString);
            assertEquals(drawn, Double.isNaN(result.trained().bitsPerByte()), result::toString);
        }
        assertTrue(
                StabilityTables.ofStacks(plan, results).contains("mHC, drawn (not finite after step 0) | NaN | NaN"));
        assertEquals(7, StabilityPlots.backward(results).series().size());
    }

    @Test
    void aReportIsWrittenFromTheFirstStackOn(@TempDir Path folder) throws IOException {
        StabilityPlan plan = StabilityPlan.quick();
        List<StabilityResult> results = run();
        for (int stacks = 1; stacks <= results.size(); stacks++) {
            StabilityReportFiles.write(folder, plan, results.subList(0, stacks));
            String report = Files.readString(folder.resolve(StabilityReportFiles.REPORT));
            assertEquals(
                    stacks,
                    report.lines()
                            .filter(line -> line.matches("\\| [24] \\|.*"))
                            .count(),
                    report);
            assertTrue(Files.exists(folder.resolve(StabilityReportFiles.BACKWARD + ".svg")));
        }
    }

    @Test
    void correlatedLogitsErrInTheSameDirection() {
        RandomStream random = RandomStream.of(7);
        double[] independent = new RandomLogits(4, 60, 20, 4, 0).backwardGains(BACKEND, random, 200);
        double[] correlated = new RandomLogits(4, 60, 20, 4, 0.95).backwardGains(BACKEND, random, 200);
        assertTrue(independent[196] < 1.1, "independent " + independent[196]);
        assertTrue(correlated[196] > 1.2 && correlated[199] < 4, "correlated " + correlated[196]);
    }

    @Test
    void impossiblePlansAreRefused() {
        StabilityPlan plan = StabilityPlan.quick();
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> new StabilityPlan(List.of(8, 0), 4, 16, 3, 2, 16, 1e-2, 0.3, 2, 20, 42))
                .getMessage();
        assertEquals("stability: depth must be positive but is 0", message);
        assertEquals(List.of(2, 4), plan.depths());
    }

    @Test
    void largeGainsArePowersOfTen() {
        assertEquals(
                List.of("1.296", "3000", "6.4e+06"),
                List.of(StabilityTables.gain(1.2961), StabilityTables.gain(3000.2), StabilityTables.gain(6.36e6)));
    }
}
