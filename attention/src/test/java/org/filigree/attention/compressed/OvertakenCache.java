package org.filigree.attention.compressed;

import java.util.List;
import org.filigree.core.tensor.Tensor;
import org.filigree.kvcache.CacheEnd;
import org.filigree.kvcache.CacheMemory;
import org.filigree.kvcache.CacheRows;
import org.filigree.kvcache.KvCache;
import org.filigree.kvcache.RowLayout;

/** A handle whose user is overtaken by another thread: it does something before or after an append, and the user goes on when it has. */
record OvertakenCache(KvCache cache, Runnable before, Runnable after) implements KvCache {
    private static void onAnotherThread(Runnable something) {
        Throwable[] failure = new Throwable[1];
        Thread thread = Thread.ofPlatform()
                .uncaughtExceptionHandler((_, thrown) -> failure[0] = thrown)
                .start(something);
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
        if (failure[0] != null) {
            throw new AssertionError("the other thread failed", failure[0]);
        }
    }

    @Override
    public RowLayout layout() {
        return cache.layout();
    }

    @Override
    public int capacity() {
        return cache.capacity();
    }

    @Override
    public int length() {
        return cache.length();
    }

    @Override
    public CacheEnd end() {
        return cache.end();
    }

    @Override
    public CacheEnd append(CacheEnd end, List<Tensor> parts) {
        onAnotherThread(before);
        CacheEnd appended = cache.append(end, parts);
        onAnotherThread(after);
        return appended;
    }

    @Override
    public List<Tensor> asStored(List<Tensor> parts) {
        return cache.asStored(parts);
    }

    @Override
    public void truncate(int length) {
        cache.truncate(length);
    }

    @Override
    public CacheRows rows(String... parts) {
        return cache.rows(parts);
    }

    @Override
    public CacheRows rows(CacheEnd end, String... parts) {
        return cache.rows(end, parts);
    }

    @Override
    public CacheMemory memory() {
        return cache.memory();
    }

    @Override
    public void close() {
        cache.close();
    }
}
