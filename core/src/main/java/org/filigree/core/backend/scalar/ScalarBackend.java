package org.filigree.core.backend.scalar;

import java.util.Map;
import java.util.Optional;
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
import org.filigree.core.backend.host.HostIndexing;
import org.filigree.core.backend.host.HostLayout;
import org.filigree.core.backend.host.HostTensors;

/** Plain loops on one thread, without fused kernels: every operation runs as its composition. */
final class ScalarBackend implements HostBackend {
    private final Workers workers = Workers.of(1);
    private final TensorFactory tensors = new HostTensors(this);
    private final Elementwise elementwise = new ScalarElementwise(this);
    private final Reductions reductions = new ScalarReductions(this);
    private final MatrixProducts matrices = new ScalarMatrixProducts(this);
    private final Layout layout = new HostLayout(this);
    private final Indexing indexing = new HostIndexing(this);
    private final KernelRegistry kernels = KernelRegistry.of(this, Map.of());

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public String detail() {
        return "float32, plain loops, one thread";
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
