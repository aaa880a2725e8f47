package org.filigree.core.backend.vector;

import java.util.Map;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import org.filigree.core.backend.Elementwise;
import org.filigree.core.backend.FusedKernel;
import org.filigree.core.backend.Indexing;
import org.filigree.core.backend.KernelRegistry;
import org.filigree.core.backend.Layout;
import org.filigree.core.backend.MatrixProducts;
import org.filigree.core.backend.Reductions;
import org.filigree.core.backend.TensorFactory;
import org.filigree.core.backend.Workers;
import org.filigree.core.backend.host.HostBackend;
import org.filigree.core.backend.host.HostLayout;
import org.filigree.core.backend.host.HostTensors;
import org.filigree.core.backend.kernel.AdamWKernel;
import org.filigree.core.backend.kernel.CausalConvolutionKernel;
import org.filigree.core.backend.kernel.CrossEntropyKernel;
import org.filigree.core.backend.kernel.GroupedProductKernel;
import org.filigree.core.backend.kernel.HadamardKernel;
import org.filigree.core.backend.kernel.RmsNormKernel;
import org.filigree.core.backend.kernel.RotaryKernel;
import org.filigree.core.backend.kernel.SoftmaxKernel;
import org.filigree.core.backend.kernel.SwiGluKernel;

/** Kernels on {@code jdk.incubator.vector}, on all processors, with fused forms of the operations that models spend time in. */
final class VectorBackend implements HostBackend {
    private final Workers workers;
    private final TensorFactory tensors = new HostTensors(this);
    private final Elementwise elementwise = new VectorElementwise(this);
    private final Reductions reductions = new VectorReductions(this);
    private final MatrixProducts matrices = new VectorMatrixProducts(this);
    private final Layout layout = new HostLayout(this);
    private final Indexing indexing = new VectorIndexing(this);
    private final KernelRegistry kernels;

    private VectorBackend(Workers workers) {
        this.workers = workers;
        this.kernels = KernelRegistry.of(
                this,
                Map.of(
                        SoftmaxKernel.class, new VectorSoftmax(this),
                        CrossEntropyKernel.class, new VectorCrossEntropy(this),
                        RmsNormKernel.class, new VectorRmsNorm(this),
                        SwiGluKernel.class, new VectorSwiGlu(this),
                        RotaryKernel.class, new VectorRotary(this),
                        AdamWKernel.class, new VectorAdamW(this),
                        GroupedProductKernel.class, new VectorGroupedProducts(this),
                        HadamardKernel.class, new VectorHadamard(this),
                        CausalConvolutionKernel.class, new VectorCausalConvolution(this)));
    }

    static VectorBackend open(int threads) {
        return new VectorBackend(Workers.of(threads));
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public String detail() {
        return "float32, " + FloatVector.SPECIES_PREFERRED.vectorBitSize() + "-bit vectors, " + workers.threads()
                + (workers.threads() == 1 ? " thread" : " threads");
    }

    @Override
    public Workers workers() {
        return workers;
    }

    @Override
    public TensorFactory tensors() {
        return tensors;
    }

    @Override
    public Elementwise elementwise() {
        return elementwise;
    }

    @Override
    public Reductions reductions() {
        return reductions;
    }

    @Override
    public MatrixProducts matrices() {
        return matrices;
    }

    @Override
    public Layout layout() {
        return layout;
    }

    @Override
    public Indexing indexing() {
        return indexing;
    }

    @Override
    public <K extends FusedKernel> Optional<K> kernel(Class<K> type) {
        return kernels.find(type);
    }

    @Override
    public void close() {
        workers.close();
    }

    @Override
    public String toString() {
        return name() + " (" + detail() + ")";
    }
}
