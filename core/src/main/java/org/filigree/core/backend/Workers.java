package org.filigree.core.backend;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed pool of daemon threads that runs the chunks of one parallel loop at a time.
 *
 * <p>The caller cuts its problem into chunks by the problem's size alone, so what a chunk computes never depends on the
 * number of threads; the threads, the caller among them, claim chunks one after another from a shared counter. A loop
 * started from inside a chunk, or while another thread's loop holds the pool, runs on its own thread: callers share a
 * pool safely, and nothing ever waits for a free worker.
 *
 * <p>Idle workers spin for {@value #SPIN_NANOS} ns before they park, so that kernels called back to back do not pay a
 * wake-up each. Chunks below about 50 µs of work are not worth a thread: give such a loop one chunk.
 */
public final class Workers implements AutoCloseable {
    /** One chunk of a parallel loop. */
    @FunctionalInterface
    public interface ChunkTask {
        /**
         * Runs one chunk.
         *
         * @param chunk index of the chunk, from 0 to the number of chunks less one
         */
        void run(int chunk);
    }

    /** One half-open range of a parallel loop over an index. */
    @FunctionalInterface
    public interface RangeTask {
        /**
         * Runs the indices {@code from <= i < to}.
         *
         * @param from first index
         * @param to index after the last
         */
        void run(int from, int to);
    }

    /**
     * Long enough to bridge the glue between two kernels and the clearing of a result of a mebibyte, short enough not to heat an idle
     * machine. In a virtual machine waking takes 100 µs and more, as long as many loops.
     */
    private static final long SPIN_NANOS = 100_000;

    private static final int SPINS_PER_CLOCK_READING = 64;

    private final Worker[] workers;
    private final ScratchBuffers scratch = new ScratchBuffers();
    private final AtomicReference<@Nullable Loop> active = new AtomicReference<>();
    private volatile boolean closed;

    /** When the last loop ended, by {@link System#nanoTime}; a hint, so races do no harm. */
    private volatile long lastLoopEnd = System.nanoTime() - SPIN_NANOS;

    private Workers(int threads) {
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker("filigree-worker-" + (i + 1));
        }
        for (Worker worker : workers) {
            worker.start();
        }
    }

    /**
     * A pool that uses as many threads as the JVM sees processors.
     *
     * @return a new pool
     */
    public static Workers ofProcessors() {
        return of(Runtime.getRuntime().availableProcessors());
    }

    /**
     * A pool of the given size.
     *
     * @param threads threads that work on a loop, the caller included; 1 runs everything on the caller
     * @return a new pool
     * @throws IllegalArgumentException if {@code threads} is less than 1
     */
    public static Workers of(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException(
                    "workers: threads is " + threads + "; give at least 1, which is the calling thread alone");
        }
        return new Workers(threads);
    }

    /**
     * The number of threads that can work on a loop, the caller included.
     *
     * @return at least 1
     */
    public int threads() {
        return workers.length + 1;
    }

    /**
     * Buffers that kernels borrow for packed operands and partial results.
     *
     * @return the buffers that live as long as this pool
     */
    public ScratchBuffers scratch() {
        return scratch;
    }

    /**
     * Runs {@code task} for every chunk and returns when all have finished. If a chunk throws, chunks that have not
     * begun are skipped and the first exception is thrown here.
     *
     * @param chunks number of chunks, at least 0
     * @param task what to run; called from several threads at once
     * @throws IllegalStateException if the pool is closed
     */
    public void parallelFor(int chunks, ChunkTask task) {
        run(chunks, task, Waking.ALWAYS);
    }

    /**
     * Like {@link #parallelRanges}, for loops of about 10 to 50 µs, which would be over before a sleeping thread woke:
     * takes the help of workers that are awake, and wakes the others only if loops follow each other closely.
     *
     * @param length number of indices, at least 0
     * @param chunkLength indices in a chunk, at least 1; choose it from the problem alone
     * @param task what to run; called from several threads at once
     */
    public void briefRanges(int length, int chunkLength, RangeTask task) {
        ranges(length, chunkLength, task, Waking.IN_A_SERIES);
    }

    private enum Waking {
        ALWAYS,
        IN_A_SERIES
    }

    private void run(int chunks, ChunkTask task, Waking waking) {
        if (closed) {
            throw new IllegalStateException(
                    "workers: the backend was closed before this operation; keep it open while it is used, its try block around all"
                            + " that computes with its tensors");
        }
        if (chunks <= 1 || workers.length == 0 || isOwnThread() || active.get() != null) {
            runInline(chunks, task);
            return;
        }
        Loop loop = new Loop(chunks, task);
        if (!active.compareAndSet(null, loop)) {
            runInline(chunks, task);
            return;
        }
        try {
            if (waking == Waking.ALWAYS || System.nanoTime() - lastLoopEnd < SPIN_NANOS) {
                wake(Math.min(chunks - 1, workers.length));
            }
            loop.work();
            loop.awaitCompletion();
        } finally {
            active.set(null);
            lastLoopEnd = System.nanoTime();
        }
        loop.rethrowFailure();
    }

    /**
     * Runs {@code task} over {@code 0 <= i < length} in chunks of {@code chunkLength} indices.
     *
     * @param length number of indices, at least 0
     * @param chunkLength indices in a chunk, at least 1; choose it from the problem alone
     * @param task what to run; called from several threads at once
     */
    public void parallelRanges(int length, int chunkLength, RangeTask task) {
        ranges(length, chunkLength, task, Waking.ALWAYS);
    }

    private void ranges(int length, int chunkLength, RangeTask task, Waking waking) {
        if (length <= chunkLength) {
            if (length > 0) {
                task.run(0, length);
            }
            return;
        }
        int chunks = (length - 1) / chunkLength + 1;
        ChunkTask chunkTask = chunk -> {
            int from = chunk * chunkLength;
            task.run(from, from + Math.min(chunkLength, length - from));
        };
        run(chunks, chunkTask, waking);
    }

    /** Lets the workers finish the loop that they are in, and ends them. */
    @Override
    public void close() {
        closed = true;
        for (Worker worker : workers) {
            LockSupport.unpark(worker);
        }
        boolean interrupted = false;
        for (Worker worker : workers) {
            while (worker != Thread.currentThread() && worker.isAlive()) {
                try {
                    worker.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void runInline(int chunks, ChunkTask task) {
        for (int chunk = 0; chunk < chunks; chunk++) {
            task.run(chunk);
        }
    }

    private boolean isOwnThread() {
        return Thread.currentThread() instanceof Worker worker && worker.pool() == this;
    }

    private void wake(int count) {
        for (int i = 0; i < count; i++) {
            if (workers[i].parked) {
                LockSupport.unpark(workers[i]);
            }
        }
    }

    /** One parallel loop in flight; a late worker that still holds a finished loop finds nothing left to claim. */
    private static final class Loop {
        private final int chunks;
        private final ChunkTask task;
        private final AtomicInteger claimed = new AtomicInteger();
        private final AtomicInteger finished = new AtomicInteger();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private volatile @Nullable Thread waiting;

        Loop(int chunks, ChunkTask task) {
            this.chunks = chunks;
            this.task = task;
        }

        boolean hasUnclaimed() {
            return claimed.get() < chunks;
        }

        void work() {
            // The check before the claim keeps the counter from running past the range on idle polling.
            while (hasUnclaimed()) {
                int chunk = claimed.getAndIncrement();
                if (chunk >= chunks) {
                    return;
                }
                try {
                    if (failure.get() == null) {
                        task.run(chunk);
                    }
                } catch (Throwable t) {
                    failure.compareAndSet(null, t);
                } finally {
                    finish();
                }
            }
        }

        private void finish() {
            if (finished.incrementAndGet() == chunks) {
                Thread caller = waiting;
                if (caller != null) {
                    LockSupport.unpark(caller);
                }
            }
        }

        void awaitCompletion() {
            if (spinUntilFinished()) {
                return;
            }
            waiting = Thread.currentThread();
            boolean interrupted = false;
            while (finished.get() < chunks) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted();
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        private boolean spinUntilFinished() {
            long start = System.nanoTime();
            do {
                for (int i = 0; i < SPINS_PER_CLOCK_READING; i++) {
                    if (finished.get() == chunks) {
                        return true;
                    }
                    Thread.onSpinWait();
                }
            } while (System.nanoTime() - start < SPIN_NANOS);
            return false;
        }

        void rethrowFailure() {
            Throwable thrown = failure.get();
            if (thrown instanceof Error error) {
                throw error;
            }
            if (thrown instanceof RuntimeException exception) {
                throw exception;
            }
            if (thrown != null) {
                // Only a task compiled to throw a checked exception behind the compiler's back comes here.
                throw new IllegalStateException("workers: a chunk failed", thrown);
            }
        }
    }

    private final class Worker extends Thread {
        private volatile boolean parked;

        Worker(String name) {
            super(null, null, name, 0, false);
            setDaemon(true);
        }

        Workers pool() {
            return Workers.this;
        }

        @Override
        public void run() {
            while (!closed) {
                Loop loop = pollSpinning();
                if (loop != null) {
                    loop.work();
                } else {
                    park();
                }
            }
        }

        private @Nullable Loop pollSpinning() {
            long start = System.nanoTime();
            do {
                for (int i = 0; i < SPINS_PER_CLOCK_READING; i++) {
                    Loop loop = poll();
                    if (loop != null) {
                        return loop;
                    }
                    Thread.onSpinWait();
                }
            } while (!closed && System.nanoTime() - start < SPIN_NANOS);
            return null;
        }

        private @Nullable Loop poll() {
            Loop loop = active.get();
            return loop != null && loop.hasUnclaimed() ? loop : null;
        }

        private void park() {
            // Announce first, look once more, then sleep: a caller publishes its loop first and looks for sleepers
            // after.
            parked = true;
            if (!closed && poll() == null) {
                LockSupport.park(Workers.this);
            }
            parked = false;
        }
    }
}
