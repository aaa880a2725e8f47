package org.filigree.nd4j;

import java.util.Map;
import java.util.Optional;
import org.filigree.core.backend.Backend;
import org.filigree.core.backend.Elementwise;
import org.filigree.core.backend.FusedKernel;
import org.filigree.core.backend.Indexing;
import org.filigree.core.backend.KernelRegistry;
import org.filigree.core.backend.Layout;
import org.filigree.core.backend.MatrixProducts;
import org.filigree.core.backend.Reductions;
import org.filigree.core.backend.TensorFactory;
import org.nd4j.linalg.factory.Nd4j;

/** Six families over ND4J arrays; what ND4J has no deterministic form of goes through {@link HostFallback}, counted. */
final class Nd4jBackend implements Backend {
    private final HostFallback host = new HostFallback(this);
    private final TensorFactory tensors = new Nd4jTensors(this);
    private final Elementwise elementwise = new Nd4jElementwise(this);
    private final Reductions reductions = new Nd4jReductions(this);
    private final MatrixProducts matrices = new Nd4jMatrixProducts(this);
    private final Layout layout = new Nd4jLayout(this, host);
    private final Indexing indexing = new Nd4jIndexing(this, host);
    private final KernelRegistry kernels = KernelRegistry.of(this, Map.of());

    @Override
    public String name() {
        return "nd4j";
    }

    @Override
    public String detail() {
        return "float32, ND4J " + Nd4j.getBackend().getClass().getSimpleName() + ", " + host.calls()
                + " operations through host memory so far";
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
        host.close();
    }

    @Override
    public String toString() {
        return name() + " (" + detail() + ")";
    }
}
