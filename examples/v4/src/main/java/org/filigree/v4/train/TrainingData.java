package org.filigree.v4.train;

import java.util.List;
import org.filigree.v4.baseline.BaselineScore;
import org.filigree.v4.data.BatchConfig;
import org.filigree.v4.data.TokenStream;
import org.filigree.v4.data.TokenWindows;

/**
 * What a model is trained and measured on.
 *
 * @param train bytes of the training files
 * @param heldOut windows of the held-out files
 * @param baselines what simple models reach on the same windows
 */
public record TrainingData(TokenStream train, TokenWindows heldOut, List<BaselineScore> baselines) {
    /** Copies the list. */
    public TrainingData {
        baselines = List.copyOf(baselines);
    }

    BatchConfig batchConfig(TrainingPlan plan) {
        return BatchConfig.of(plan.batch(), plan.length(), plan.seed())
                .withFillInTheMiddleShare(plan.fillInTheMiddleShare());
    }
}
