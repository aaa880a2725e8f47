package org.filigree.engram;

import org.filigree.core.backend.Backend;
import org.filigree.core.random.RandomStream;
import org.filigree.core.tensor.Shape;
import org.filigree.core.testkit.TestBackends;

/** A small layer and its input, for identities between results on the precise backend. */
@SuppressWarnings("ArrayRecordComponent") // Numbers on their way to tensors.
record EngramPass(EngramCase each, Shape shape, double[] x, double[] upstream, int[] ids) {
    static EngramPass of(EngramConfig config, int tokens, int seed) {
        RandomStream random = RandomStream.of(seed);
        Shape shape = Shape.of(1, tokens, config.streams(), config.width());
        return new EngramPass(
                EngramCase.random(config, random.fork("weights")),
                shape,
                EngramCase.gaussian(random.fork("x"), shape),
                EngramCase.gaussian(random.fork("upstream"), shape),
                EngramCase.ids(random.fork("ids"), 0, 13, tokens));
    }

    EngramCase.Result run() {
        Backend backend = TestBackends.oracle();
        return each.run(backend, shape, x, upstream, EngramCase.context(backend, 1, ids.length, ids));
    }

    EngramPass with(EngramCase other) {
        return new EngramPass(other, shape, x, upstream, ids);
    }
}
