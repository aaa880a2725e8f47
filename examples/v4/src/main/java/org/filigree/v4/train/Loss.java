package org.filigree.v4.train;

import static org.filigree.core.op.Arithmetic.add;
import static org.filigree.core.op.CrossEntropy.crossEntropy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.filigree.attention.IndexerLoss;
import org.filigree.attention.ScoreListener;
import org.filigree.core.autograd.Autograd;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Context;
import org.filigree.core.op.Concat;
import org.filigree.core.op.CrossEntropy;
import org.filigree.core.op.Gather;
import org.filigree.core.op.Reshape;
import org.filigree.core.tensor.Shape;
import org.filigree.core.tensor.Tensor;
import org.filigree.v4.V4;
import org.filigree.v4.data.ByteVocabulary;
import org.filigree.v4.data.TokenWindows;

/**
 * The loss of a batch of windows. Windows that begin with the prefix mark were rearranged for filling in the middle and are
 * judged by the completion head, all others by the language-model head.
 */
public final class Loss {
    private Loss() {}

    /**
     * What a batch costs.
     *
     * @param tokens mean cross entropy over all targets, in nats
     * @param indexers how far the indexers' scores are from the attention they should foresee, summed over layers; they learn from
     *     this alone, and nothing else does
     */
    public record Parts(Tensor tokens, Tensor indexers) {
        /** {@return the sum, to be differentiated} */
        public Tensor total() {
            return add(tokens, indexers);
        }
    }

    /**
     * The loss of a batch.
     *
     * @param model which model
     * @param windows the batch
     * @param context of the forward pass, without token ids
     * @return its parts
     */
    public static Parts of(V4 model, TokenWindows windows, Context context) {
        IndexerLoss indexerLoss = IndexerLoss.sparse(model.config().attention().selected());
        var indexers = new ArrayList<Tensor>();
        ScoreListener listener = heard -> indexers.add(indexerLoss.of(heard));
        Tensor tokens = tokens(model, windows, context.with(ScoreListener.KEY, listener));
        Tensor none = model.backend().tensors().zeros(Shape.of());
        return new Parts(tokens, indexers.stream().reduce(none, (a, b) -> add(a, b)));
    }

    private static Tensor tokens(V4 model, TokenWindows windows, Context context) {
        Backend backend = model.backend();
        Tensor ids = ids(backend, windows);
        Tensor hidden = model.hidden(ids, context);
        Tensor rows = Reshape.reshape(hidden, -1, hidden.dim(-1));
        int[] plain = windowsOf(windows, false);
        int[] rearranged = windowsOf(windows, true);
        int[] targets = windows.targets();
        if (rearranged.length == 0) {
            return crossEntropy(model.language().forward(rows), ints(backend, targets));
        }
        Tensor completion = model.completion().forward(chosen(rows, rearranged, windows.length()));
        if (plain.length == 0) {
            return crossEntropy(completion, ints(backend, targets));
        }
        Tensor language = model.language().forward(chosen(rows, plain, windows.length()));
        int[] order = concat(positions(plain, windows.length()), positions(rearranged, windows.length()));
        int[] reordered =
                Arrays.stream(order).map(position -> targets[position]).toArray();
        return crossEntropy(Concat.concat(0, language, completion), ints(backend, reordered));
    }

    /**
     * Bits per byte of windows under the language-model head, over the targets that are bytes.
     *
     * @param model which model
     * @param windows held-out windows
     * @param batch windows a pass
     * @return mean of −log₂ of the probability of each byte
     */
    public static double bitsPerByte(V4 model, TokenWindows windows, int batch) {
        return Autograd.withoutGradients(() -> {
            double nats = 0;
            for (int from = 0; from < windows.count(); from += batch) {
                TokenWindows part = windows.slice(from, Math.min(windows.count(), from + batch));
                Backend backend = model.backend();
                Tensor ids = ids(backend, part);
                Tensor hidden = model.hidden(ids, Context.inference());
                Tensor logits = model.language().forward(Reshape.reshape(hidden, -1, hidden.dim(-1)));
                int[] targets = Arrays.stream(part.targets())
                        .map(id -> ByteVocabulary.isByte(id) ? id : -1)
                        .toArray();
                for (float loss :
                        CrossEntropy.losses(logits, ints(backend, targets)).toFloats()) {
                    nats += loss;
                }
            }
            return nats / Math.log(2) / windows.byteTargets();
        });
    }

    private static Tensor ids(Backend backend, TokenWindows windows) {
        return backend.tensors().ints(Shape.of(windows.count(), windows.length()), windows.inputs());
    }

    private static Tensor ints(Backend backend, int[] values) {
        return backend.tensors().ints(Shape.of(values.length), values);
    }

    private static int[] windowsOf(TokenWindows windows, boolean rearranged) {
        return IntStream.range(0, windows.count())
                .filter(window -> (windows.id(window, 0) == ByteVocabulary.PREFIX) == rearranged)
                .toArray();
    }

    private static Tensor chosen(Tensor rows, int[] windows, int length) {
        int[] positions = positions(windows, length);
        return Gather.gather(rows, ints(Backend.of(rows), positions));
    }

    private static int[] positions(int[] windows, int length) {
        int[] positions = new int[windows.length * length];
        for (int i = 0; i < positions.length; i++) {
            positions[i] = windows[i / length] * length + i % length;
        }
        return positions;
    }

    private static int[] concat(int[] a, int[] b) {
        int[] joined = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, joined, a.length, b.length);
        return joined;
    }
}
