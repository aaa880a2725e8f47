package org.filigree.ojalgo;

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

/** Double precision throughout, without fused kernels of its own: every operation runs as its composition. */
final class OjalgoBackend implements Backend {
    static final String NAME = "ojalgo";

    private final TensorFactory tensors = new OjalgoTensors(this);
    private final Elementwise elementwise = new OjalgoElementwise(this);
    private final Reductions reductions = new OjalgoReductions(this);
    private final MatrixProducts matrices = new OjalgoMatrixProducts(this);
    private final Layout layout = new OjalgoLayout(this);
    private final Indexing indexing = new OjalgoIndexing(this);
    private final KernelRegistry kernels = KernelRegistry.of(this, Map.of());

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String detail() {
        return OjalgoBackendProvider.DETAIL;
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
    public void close() {}

    @Override
    public String toString() {
        return name() + " (" + detail() + ")";
    }
}
