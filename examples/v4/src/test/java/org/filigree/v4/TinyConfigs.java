package org.filigree.v4;

import java.util.List;

/** Models small enough for every test to build. */
final class TinyConfigs {
    private TinyConfigs() {}

    static V4Config bytes() {
        return new V4Config(
                261,
                16,
                3,
                4,
                4,
                new AttentionSizes(2, 12, 8, 6, 4, 5, 4, 8, 3, 10_000),
                new ExpertSizes(5, 2, 1, 7),
                new MemorySizes(List.of(0, 2), 4, 2, 3, 50),
                32,
                1e-6);
    }
}
