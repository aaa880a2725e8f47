package org.filigree.core.nn;

import org.filigree.core.op.Gather;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/** A vector for every id: y[i…] = W[ids[i…]], W [vocabulary, width]; id −1 gives zeros. Parameter {@code weight}. */
public final class Embedding {
    private final Parameter weight;

    /**
     * An embedding over a table.
     *
     * @param weight [vocabulary, width]
     */
    public Embedding(Parameter weight) {
        Check.rank("embedding", "weight", weight.value(), 2);
        this.weight = weight;
    }

    /**
     * Looks ids up.
     *
     * @param ids INT32 [ids…], each −1 or below the vocabulary
     * @return [ids…, width]
     * @throws IndexOutOfBoundsException if an id is outside the vocabulary
     */
    public Tensor forward(Tensor ids) {
        return Gather.gather(weight.value(), ids);
    }

    /** {@return the table [vocabulary, width]} */
    public Parameter weight() {
        return weight;
    }

    /** {@return the table by its path} */
    public ParameterMap parameters() {
        return ParameterMap.empty().with("weight", weight);
    }
}
