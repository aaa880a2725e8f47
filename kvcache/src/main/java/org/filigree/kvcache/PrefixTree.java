package org.filigree.kvcache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which block holds which tokens after which others: a radix tree over token ids whose edges are as long as a block. A node is a block
 * that was published; the path to it spells every token up to its end, since a row depends on all tokens before it.
 *
 * <p>Whoever references a block references its ancestors, as a rule, and lets go of them after it. So the node that has been
 * unreferenced for longest is a leaf, and is evicted first. Where somebody holds a later block alone, its published ancestors can go, and
 * what hangs on them is no longer found, since nothing spells its tokens any more.
 */
final class PrefixTree {
    /** The token ids of one block. */
    @SuppressWarnings("ArrayRecordComponent") // Compared by content, and never changed.
    private record Ids(int[] ids) {
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Ids that && Arrays.equals(ids, that.ids);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(ids);
        }
    }

    /** A published block. */
    static final class Node {
        private final @Nullable Node parent;
        private final Ids ids;
        private final int block;
        private final Map<Ids, Node> children = new HashMap<>();
        private boolean referenced = true;
        private long lastUse;

        private Node(@Nullable Node parent, Ids ids, int block) {
            this.parent = parent;
            this.ids = ids;
            this.block = block;
        }
    }

    private final int blockTokens;
    private final Node root = new Node(null, new Ids(new int[0]), -1);
    private final Map<Integer, Node> nodes = new HashMap<>();
    /** By the time at which the last sequence let go. */
    private final TreeMap<Long, Node> unreferenced = new TreeMap<>();

    private long clock;

    PrefixTree(int blockTokens) {
        this.blockTokens = blockTokens;
    }

    private Ids ids(int[] ids, int block) {
        return new Ids(Arrays.copyOfRange(ids, block * blockTokens, (block + 1) * blockTokens));
    }

    /** Blocks of the longest published prefix of these ids, in order; whole blocks only. */
    List<Integer> match(int[] ids) {
        var blocks = new ArrayList<Integer>();
        Node node = root;
        for (int i = 0; i < ids.length / blockTokens; i++) {
            node = node.children.get(ids(ids, i));
            if (node == null) {
                break;
            }
            blocks.add(node.block);
        }
        return blocks;
    }

    /**
     * Publishes the first blocks of a table, which their owner references. Where a block for the same tokens is there already, it takes
     * the place of the owner's in the result.
     */
    int[] publish(int[] ids, int[] table, int blocks) {
        requireOneName(ids, table, blocks);
        int[] published = new int[blocks];
        Node node = root;
        for (int i = 0; i < blocks; i++) {
            Ids key = ids(ids, i);
            Node child = node.children.get(key);
            if (child == null) {
                child = new Node(node, key, table[i]);
                node.children.put(key, child);
                nodes.put(table[i], child);
            }
            published[i] = child.block;
            node = child;
        }
        return published;
    }

    /** A block that was published under other ids would be found under both, and one of them is wrong. */
    private void requireOneName(int[] ids, int[] table, int blocks) {
        Node node = root;
        for (int i = 0; i < blocks; i++) {
            node = node == null ? null : node.children.get(ids(ids, i));
            if (nodes.containsKey(table[i]) && (node == null || node.block != table[i])) {
                throw new IllegalArgumentException(
                        "publish: block " + table[i] + " with tokens " + i * blockTokens + "…" + (i + 1) * blockTokens
                                + " was published before with other token ids; publish the ids that its rows were computed from");
            }
        }
    }

    boolean contains(int block) {
        return nodes.containsKey(block);
    }

    /** Nodes that nobody references. */
    int unreferenced() {
        return unreferenced.size();
    }

    /** The first sequence references a published block again. */
    void referenced(int block) {
        Node node = nodes.get(block);
        if (node != null && !node.referenced) {
            node.referenced = true;
            unreferenced.remove(node.lastUse);
        }
    }

    /** The last sequence let go of a published block. */
    void released(int block) {
        Node node = nodes.get(block);
        if (node != null && node.referenced) {
            node.referenced = false;
            node.lastUse = ++clock;
            unreferenced.put(node.lastUse, node);
        }
    }

    /** Forgets the block that was not used for longest among those that nobody references, and what hangs on it; the blocks freed by that. */
    List<Integer> evict() {
        Node oldest = unreferenced.firstEntry().getValue();
        if (oldest.parent != null) {
            oldest.parent.children.remove(oldest.ids);
        }
        var freed = new ArrayList<Integer>();
        var detached = new ArrayDeque<Node>(List.of(oldest));
        while (!detached.isEmpty()) {
            Node node = detached.pop();
            nodes.remove(node.block);
            if (!node.referenced) {
                unreferenced.remove(node.lastUse);
                freed.add(node.block);
            }
            detached.addAll(node.children.values());
        }
        return freed;
    }
}
