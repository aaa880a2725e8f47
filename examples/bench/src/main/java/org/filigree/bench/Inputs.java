package org.filigree.bench;

import org.filigree.core.backend.Backend;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;

/** Operands that the peer's script makes in the same way from the same seed: a hash of the index, spread over [-1, 1). */
final class Inputs {
    private Inputs() {}

    static Tensor tensor(Backend backend, int seed, int... dims) {
        Shape shape = Shape.of(dims);
        float[] values = new float[Math.toIntExact(shape.size())];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(seed, i);
        }
        return backend.tensors().floats(shape, values);
    }

    /** Class numbers below a limit. */
    static Tensor classes(Backend backend, int seed, int count, int limit) {
        int[] values = new int[count];
        for (int i = 0; i < count; i++) {
            values[i] = (int) ((value(seed, i) + 1f) * (limit / 2f));
        }
        return backend.tensors().ints(Shape.of(count), values);
    }

    private static float value(int seed, int index) {
        int hash = index * 0x9E3779B9 + seed * 40503;
        hash ^= hash >>> 16;
        hash *= 0x45D9F3B;
        hash ^= hash >>> 16;
        return (hash >>> 8) * 0x1p-23f - 1f;
    }
}
