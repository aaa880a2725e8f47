package org.filigree.core.nn;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.filigree.core.tensor.Check;
import org.filigree.core.tensor.Tensor;

/**
 * What a layer needs beside its activations: whether this is training, the token ids, the position of the first token, and whatever
 * else callers and blocks agree on under typed {@linkplain Key keys} (caches, listeners, random streams). Immutable.
 */
public final class Context {
    private final Mode mode;
    private final int start;
    private final Map<Key<?>, Object> attachments;

    private Context(Mode mode, int start, Map<Key<?>, Object> attachments) {
        this.mode = mode;
        this.start = start;
        this.attachments = attachments;
    }

    /** What the pass is for. */
    public enum Mode {
        /** Parameters will be updated. */
        TRAINING,
        /** Results only. What layers may do then (read from caches, for one), not what is recorded: see {@link #inference()}. */
        INFERENCE
    }

    /**
     * Names an attachment; make one constant for each kind.
     *
     * @param name for error messages
     * @param type class of the attachment
     * @param <T> class of the attachment
     */
    public record Key<T>(String name, Class<T> type) {}

    /** Token ids, INT32 [batch, tokens]. */
    public static final Key<Tensor> TOKEN_IDS = new Key<>("token ids", Tensor.class);

    /** {@return a context for training} */
    public static Context training() {
        return new Context(Mode.TRAINING, 0, Map.of());
    }

    /**
     * A context for training on given tokens.
     *
     * @param tokenIds INT32 [batch, tokens]
     * @return the context
     */
    public static Context training(Tensor tokenIds) {
        return training().with(TOKEN_IDS, tokenIds);
    }

    /**
     * A context for inference from position 0. It tells layers what the pass is for and does not itself stop the recording of
     * gradients, which begins before a layer sees a context (in an embedding) and goes on after it (in a head), and which frozen
     * layers inside a training step need. Where nobody will differentiate, wrap the whole pass, or every activation lives as long
     * as the result:
     *
     * {@snippet :
     * Tensor y = Autograd.withoutGradients(() -> layer.forward(x, Context.inference()));
     * }
     *
     * @return the context
     */
    public static Context inference() {
        return new Context(Mode.INFERENCE, 0, Map.of());
    }

    /**
     * A context for inference on given tokens from position 0; as for {@link #inference()}, recording goes on.
     *
     * @param tokenIds INT32 [batch, tokens]
     * @return the context
     */
    public static Context inference(Tensor tokenIds) {
        return inference().with(TOKEN_IDS, tokenIds);
    }

    /** {@return what the pass is for} */
    public Mode mode() {
        return mode;
    }

    /** {@return the position of the first token of this pass} */
    public int start() {
        return start;
    }

    /**
     * This context at another position.
     *
     * @param position position of the first token
     * @return a new context
     */
    public Context at(int position) {
        Check.notNegative("context: position", position);
        return new Context(mode, position, attachments);
    }

    /**
     * This context with an attachment, replacing any under the same key.
     *
     * @param key its key
     * @param value the attachment
     * @param <T> class of the attachment
     * @return a new context
     */
    public <T> Context with(Key<T> key, T value) {
        var copy = new HashMap<>(attachments);
        copy.put(key, key.type().cast(value));
        return new Context(mode, start, copy);
    }

    /**
     * An attachment.
     *
     * @param key its key
     * @param <T> class of the attachment
     * @return the attachment, or empty
     */
    public <T> Optional<T> find(Key<T> key) {
        return Optional.ofNullable(key.type().cast(attachments.get(key)));
    }

    /**
     * An attachment that a layer cannot do without.
     *
     * @param key its key
     * @param layer who asks
     * @param <T> class of the attachment
     * @return the attachment
     * @throws IllegalStateException if it is missing
     */
    public <T> T require(Key<T> key, String layer) {
        return find(key)
                .orElseThrow(() -> new IllegalStateException(layer + ": the context has no " + key.name()
                        + "; add it with context.with(key, value) before the forward pass"));
    }
}
