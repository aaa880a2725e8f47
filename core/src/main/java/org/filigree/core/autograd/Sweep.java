package org.filigree.core.autograd;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.filigree.core.tensor.ShapeException;
import org.filigree.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** One backward pass: visits recorded operations from the end of the graph to its leaves, each after everything that uses it. */
final class Sweep {
    private final IdentityHashMap<Node.Call, @Nullable Tensor[]> pending = new IdentityHashMap<>();
    private final IdentityHashMap<Node.Leaf, Tensor> leaves = new IdentityHashMap<>();

    Gradients run(Tensor output, Tensor upstream) {
        send(output, upstream);
        if (output.lineage() instanceof Node.Output(Node.Call end, int _)) {
            for (Node.Call call : usersFirst(end)) {
                @Nullable Tensor[] arrived = pending.remove(call);
                if (arrived != null) {
                    visit(call, arrived);
                }
            }
        }
        return new Gradients(leaves);
    }

    private void visit(Node.Call call, @Nullable Tensor[] arrived) {
        List<? extends @Nullable Tensor> gradients = call.backward.gradients(Arrays.asList(arrived));
        if (gradients.size() != call.inputs.size()) {
            throw new IllegalStateException(call.operation + ": backward gave " + gradients.size() + " gradients for "
                    + call.inputs.size() + " inputs");
        }
        for (int i = 0; i < gradients.size(); i++) {
            Tensor gradient = gradients.get(i);
            Tensor input = call.inputs.get(i);
            if (gradient == null || !Autograd.differentiable(input)) {
                continue;
            }
            if (!gradient.shape().equals(input.shape())) {
                throw new ShapeException(call.operation + ": backward gave a gradient of shape " + gradient.shape()
                        + " for input " + i + " of shape " + input.shape());
            }
            send(input, gradient);
        }
    }

    private void send(Tensor to, Tensor gradient) {
        switch (to.lineage()) {
            case Node.Leaf leaf -> leaves.merge(leaf, gradient, Autograd::sum);
            case Node.Output(Node.Call call, int index) -> {
                @Nullable Tensor[] slots = pending.computeIfAbsent(call, c -> new @Nullable Tensor[c.outputs]);
                Tensor already = slots[index];
                slots[index] = already == null ? gradient : Autograd.sum(already, gradient);
            }
            case null, default -> {}
        }
    }

    /** Reverse postorder of a depth-first walk, with an explicit stack: graphs are deeper than the Java stack. */
    private static List<Node.Call> usersFirst(Node.Call end) {
        record Visit(Node.Call call, int next) {}
        var order = new ArrayList<Node.Call>();
        Set<Node.Call> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        var stack = new ArrayDeque<Visit>();
        seen.add(end);
        stack.push(new Visit(end, 0));
        while (!stack.isEmpty()) {
            Visit top = stack.pop();
            if (top.next == top.call.inputs.size()) {
                order.add(top.call);
                continue;
            }
            stack.push(new Visit(top.call, top.next + 1));
            if (top.call.inputs.get(top.next).lineage() instanceof Node.Output(Node.Call input, int _)
                    && seen.add(input)) {
                stack.push(new Visit(input, 0));
            }
        }
        Collections.reverse(order);
        return order;
    }
}
