package org.filigree.v4.baseline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class NgramTableProperties {
    @Property(tries = 60)
    void countsLikeAMapUntilItIsFull(
            @ForAll long seed,
            @ForAll @IntRange(min = 0, max = 3000) int additions,
            @ForAll @IntRange(min = 1, max = 2000) int different,
            @ForAll @IntRange(min = 9, max = 13) int maxLogSlots) {
        var table = new NgramTable(maxLogSlots);
        var map = new HashMap<Long, Integer>();
        var random = new Random(seed);
        boolean full = false;
        for (int i = 0; i < additions; i++) {
            long ngram = (random.nextInt(different) * 0x1234567L) & Long.MAX_VALUE;
            int slot = table.findOrAdd(ngram);
            if (slot == NgramTable.NONE) {
                full = true;
                assertTrue(!map.containsKey(ngram));
            } else {
                assertTrue(!full || map.containsKey(ngram), "added to a full table");
                table.add(slot, 2);
                table.addFollower(slot, 3);
                map.merge(ngram, 1, Integer::sum);
            }
        }
        assertEquals(map.size(), table.size());
        assertTrue(!full || table.size() == (1 << maxLogSlots) / 5 * 3);
        for (Map.Entry<Long, Integer> entry : map.entrySet()) {
            int slot = table.find(entry.getKey());
            assertEquals(entry.getKey(), table.ngram(slot));
            assertEquals(2 * entry.getValue(), table.count(slot));
            assertEquals(3 * entry.getValue(), table.followers(slot));
            assertEquals(entry.getValue(), table.followerTypes(slot));
        }
        assertEquals(NgramTable.NONE, table.find(Long.MAX_VALUE - 5));
    }
}
