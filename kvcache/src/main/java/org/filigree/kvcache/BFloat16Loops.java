package org.filigree.kvcache;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.filigree.core.backend.simd.VectorMath;
import org.filigree.core.io.BFloat16;

/** bfloat16 in native memory, in vectors; the bits of {@link BFloat16}. */
final class BFloat16Loops {
    private static final int LANES = VectorMath.LANES;
    private static final VectorSpecies<Float> F = VectorMath.F;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(Math.max(64, LANES * Short.SIZE)));

    private BFloat16Loops() {}

    static void encode(float[] x, int from, int count, MemorySegment memory, long offset) {
        int whole = F.loopBound(count);
        for (int i = 0; i < whole; i += LANES) {
            FloatVector value = FloatVector.fromArray(F, x, from + i);
            IntVector bits = value.reinterpretAsInts();
            IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
            VectorMask<Integer> nan = value.test(VectorOperators.IS_NAN).cast(I);
            IntVector rounded = bits.add(0x7FFF).add(upper.and(1)).lanewise(VectorOperators.LSHR, 16);
            ((ShortVector) rounded.blend(upper.or(0x40), nan).convertShape(VectorOperators.I2S, S, 0))
                    .intoMemorySegment(memory, offset + (long) i * Short.BYTES, ByteOrder.LITTLE_ENDIAN);
        }
        for (int i = whole; i < count; i++) {
            memory.set(LittleEndian.SHORT, offset + (long) i * Short.BYTES, BFloat16.fromFloat(x[from + i]));
        }
    }

    static void decode(MemorySegment memory, long offset, int count, float[] out, int at) {
        int whole = F.loopBound(count);
        for (int i = 0; i < whole; i += LANES) {
            ((IntVector) ShortVector.fromMemorySegment(
                                    S, memory, offset + (long) i * Short.BYTES, ByteOrder.LITTLE_ENDIAN)
                            .convertShape(VectorOperators.S2I, I, 0))
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .intoArray(out, at + i);
        }
        for (int i = whole; i < count; i++) {
            out[at + i] = BFloat16.toFloat(memory.get(LittleEndian.SHORT, offset + (long) i * Short.BYTES));
        }
    }
}
