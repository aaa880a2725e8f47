package org.filigree.v4.report;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How a run stands. */
public enum RunOutcome {
    /** Not ended yet, or ended without a chance to say so. */
    @JsonProperty("running")
    RUNNING,
    /** All steps done. */
    @JsonProperty("completed")
    COMPLETED,
    /** Stopped by the user; can be resumed. */
    @JsonProperty("interrupted")
    INTERRUPTED,
    /** Ended by an error. */
    @JsonProperty("failed")
    FAILED
}
