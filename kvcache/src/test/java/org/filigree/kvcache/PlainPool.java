package org.filigree.kvcache;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a pool does, as plainly as can be: blocks are objects, a published block has the token ids of its path for a name, and what nobody holds
 * is in a list, that which was let go of first at its head. It stores no rows.
 */
final class PlainPool {
    /** Itself and nobody else. */
    static final class Block {
        private int holders = 1;
    }

    /** A sequence: its token ids, and its blocks in order. */
    record Sequence(List<Integer> ids, List<Block> table) {}

    private final int blocks;
    private final int blockTokens;
    private final Map<List<Integer>, Block> published = new HashMap<>();
    private final List<Block> remembered = new ArrayList<>();
    private int free;
    private int evictions;
    private int exhaustions;
    private int prefixesFound;

    PlainPool(int blocks, int blockTokens) {
        this.blocks = blocks;
        this.blockTokens = blockTokens;
        this.free = blocks;
    }

    int referenced() {
        return blocks - cached() - free;
    }

    int cached() {
        return remembered.size();
    }

    int free() {
        return free;
    }

    int evictions() {
        return evictions;
    }

    int exhaustions() {
        return exhaustions;
    }

    int prefixesFound() {
        return prefixesFound;
    }

    Sequence open(int[] wanted) {
        var ids = new ArrayList<Integer>();
        for (int id : wanted) {
            ids.add(id);
        }
        var table = new ArrayList<Block>();
        int tokens = 0;
        while (tokens + blockTokens <= ids.size() && published.containsKey(ids.subList(0, tokens + blockTokens))) {
            tokens += blockTokens;
            table.add(published.get(ids.subList(0, tokens)));
        }
        prefixesFound += tokens > 0 ? 1 : 0;
        table.forEach(this::hold);
        return new Sequence(new ArrayList<>(ids.subList(0, tokens)), table);
    }

    Sequence fork(Sequence one) {
        one.table.forEach(this::hold);
        return new Sequence(new ArrayList<>(one.ids), new ArrayList<>(one.table));
    }

    /** Whether there was room. */
    boolean append(Sequence one, List<Integer> added, boolean beyondCapacity) {
        int from = one.ids.size();
        int needed = (from + added.size() + blockTokens - 1) / blockTokens;
        var copied = new ArrayList<Integer>();
        for (int i = from / blockTokens; i < Math.min(one.table.size(), needed); i++) {
            Block block = one.table.get(i);
            if (!added.isEmpty() && (block.holders > 1 || published.containsValue(block))) {
                copied.add(i);
            }
        }
        int more = Math.max(0, needed - one.table.size());
        if (beyondCapacity || copied.size() + more > free + remembered.size()) {
            exhaustions += beyondCapacity ? 0 : 1;
            return false;
        }
        while (free < copied.size() + more) {
            evict();
        }
        free -= copied.size() + more;
        for (int i : copied.reversed()) {
            release(one.table.set(i, new Block()));
        }
        for (int i = 0; i < more; i++) {
            one.table.add(new Block());
        }
        one.ids.addAll(added);
        return true;
    }

    void truncate(Sequence one, int length) {
        one.ids.subList(length, one.ids.size()).clear();
        while (one.table.size() * blockTokens >= length + blockTokens) {
            release(one.table.removeLast());
        }
    }

    void publish(Sequence one, int tokens) {
        var replaced = new ArrayList<Block>();
        for (int i = 0; i < tokens / blockTokens; i++) {
            Block own = one.table.get(i);
            Block known = published.computeIfAbsent(List.copyOf(one.ids.subList(0, (i + 1) * blockTokens)), _ -> own);
            if (known != own) {
                hold(known);
                replaced.add(one.table.set(i, known));
            }
        }
        replaced.reversed().forEach(this::release);
    }

    void close(Sequence one) {
        truncate(one, 0);
    }

    private void hold(Block block) {
        block.holders++;
        remembered.remove(block);
    }

    private void release(Block block) {
        block.holders--;
        if (block.holders == 0) {
            if (published.containsValue(block)) {
                remembered.add(block);
            } else {
                free++;
            }
        }
    }

    /** Forgets the first, and every block whose name begins with its name. */
    private void evict() {
        evictions++;
        Block oldest = remembered.getFirst();
        List<Integer> name = published.entrySet().stream()
                .filter(entry -> entry.getValue().equals(oldest))
                .findFirst()
                .orElseThrow()
                .getKey();
        var below = published.keySet().stream()
                .filter(other -> other.size() >= name.size()
                        && other.subList(0, name.size()).equals(name))
                .toList();
        for (List<Integer> forgotten : below) {
            Block block = published.get(forgotten);
            published.remove(forgotten);
            free += remembered.remove(block) ? 1 : 0;
        }
    }
}
