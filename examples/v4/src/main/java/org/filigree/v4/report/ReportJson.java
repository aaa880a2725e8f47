package org.filigree.v4.report;

import tools.jackson.databind.json.JsonMapper;

/** The one JSON mapper of the reports; immutable, as Jackson's mappers are. */
final class ReportJson {
    static final JsonMapper MAPPER = JsonMapper.builder().build();

    private ReportJson() {}
}
