package org.filigree.core.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkersTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void runsEveryChunkOnce(int threads) {
        try (Workers workers = Workers.of(threads)) {
            assertEquals(threads, workers.threads());
            for (int chunks : new int[] {0, 1, 2, 3, 7, 100}) {
                AtomicIntegerArray runs = new AtomicIntegerArray(chunks);
                workers.parallelFor(chunks, runs::incrementAndGet);
                for (int i = 0; i < chunks; i++) {
                    assertEquals(1, runs.get(i));
                }
            }
        }
    }

    @Test
    void manyShortLoopsNeitherHangNorLoseChunks() {
        try (Workers workers = Workers.of(3)) {
            AtomicInteger runs = new AtomicInteger();
            Assertions.assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
                for (int loop = 0; loop < 5_000; loop++) {
                    workers.parallelFor(3, chunk -> runs.incrementAndGet());
                }
            });
            assertEquals(15_000, runs.get());
        }
    }

    @Test
    void wakesParkedWorkers() throws InterruptedException {
        try (Workers workers = Workers.of(2)) {
            for (int round = 0; round < 5; round++) {
                Thread.sleep(5);
                // Each chunk waits for the other: only two threads can finish the loop.
                CountDownLatch both = new CountDownLatch(2);
                workers.parallelFor(2, chunk -> {
                    both.countDown();
                    awaitQuietly(both);
                });
                assertEquals(0, both.getCount());
            }
        }
    }

    @Test
    void rangesCoverTheIndicesInPiecesOfTheChosenLength() {
        try (Workers workers = Workers.of(3)) {
            for (int length : new int[] {0, 1, 6, 7, 8, 13, 14, 15, 100}) {
                AtomicIntegerArray runs = new AtomicIntegerArray(length);
                workers.parallelRanges(length, 7, (from, to) -> {
                    assertTrue(from % 7 == 0 && (to - from == 7 || to == length));
                    for (int i = from; i < to; i++) {
                        runs.incrementAndGet(i);
                    }
                });
                for (int i = 0; i < length; i++) {
                    assertEquals(1, runs.get(i));
                }
            }
        }
    }

    @Test
    void briefLoopsCoverTheIndicesWhetherWorkersSleepOrNot() throws InterruptedException {
        try (Workers workers = Workers.of(3)) {
            AtomicInteger runs = new AtomicInteger();
            for (int round = 0; round < 200; round++) {
                if (round % 50 == 0) {
                    Thread.sleep(2);
                }
                workers.briefRanges(10, 3, (from, to) -> runs.addAndGet(to - from));
            }
            assertEquals(2_000, runs.get());
        }
    }

    @Test
    void aLoopInsideALoopRunsOnItsOwnThread() {
        try (Workers workers = Workers.of(3)) {
            AtomicInteger runs = new AtomicInteger();
            workers.parallelFor(6, outer -> {
                Thread mine = Thread.currentThread();
                workers.parallelFor(5, inner -> {
                    assertSame(mine, Thread.currentThread());
                    runs.incrementAndGet();
                });
            });
            assertEquals(30, runs.get());
        }
    }

    @Test
    void callersOnSeveralThreadsShareThePool() throws InterruptedException {
        try (Workers workers = Workers.of(2)) {
            AtomicInteger runs = new AtomicInteger();
            List<Thread> callers = new ArrayList<>();
            for (int caller = 0; caller < 4; caller++) {
                callers.add(Thread.ofPlatform().start(() -> {
                    for (int loop = 0; loop < 500; loop++) {
                        workers.parallelFor(4, chunk -> runs.incrementAndGet());
                    }
                }));
            }
            for (Thread caller : callers) {
                caller.join();
            }
            assertEquals(4 * 500 * 4, runs.get());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void theFirstExceptionReachesTheCallerAndThePoolStaysUsable(int threads) {
        try (Workers workers = Workers.of(threads)) {
            IllegalStateException thrown = new IllegalStateException("chunk 3");
            IllegalStateException caught = assertThrows(
                    IllegalStateException.class,
                    () -> workers.parallelFor(50, chunk -> {
                        if (chunk == 3) {
                            throw thrown;
                        }
                    }));
            assertSame(thrown, caught);
            AtomicInteger runs = new AtomicInteger();
            workers.parallelFor(10, chunk -> runs.incrementAndGet());
            assertEquals(10, runs.get());
        }
    }

    @Test
    void anErrorIsPassedOnAsItIs() {
        try (Workers workers = Workers.of(2)) {
            assertThrows(
                    StackOverflowError.class,
                    () -> workers.parallelFor(4, chunk -> {
                        throw new StackOverflowError();
                    }));
        }
    }

    @Test
    void closingEndsTheThreadsAndRefusesMoreLoops() {
        Workers workers = Workers.of(2);
        AtomicReference<Thread> other = new AtomicReference<>();
        CountDownLatch both = new CountDownLatch(2);
        Thread caller = Thread.currentThread();
        workers.parallelFor(2, chunk -> {
            if (!Thread.currentThread().equals(caller)) {
                other.set(Thread.currentThread());
            }
            both.countDown();
            awaitQuietly(both);
        });
        Thread worker = other.get();
        assertTrue(worker.isDaemon());
        workers.close();
        workers.close();
        assertFalse(worker.isAlive());
        IllegalStateException refused =
                assertThrows(IllegalStateException.class, () -> workers.parallelFor(2, chunk -> {}));
        assertTrue(String.valueOf(refused.getMessage()).contains("close"));
    }

    @Test
    void needsAThread() {
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> Workers.of(0));
        assertTrue(String.valueOf(refused.getMessage()).contains("0"));
    }

    @Test
    void buffersAreLentOnceAndUsedAgain() {
        ScratchBuffers buffers = new ScratchBuffers();
        float[] first = buffers.borrow(5000);
        float[] second = buffers.borrow(5000);
        assertTrue(first.length >= 5000 && second.length >= 5000);
        assertNotSame(first, second);
        buffers.giveBack(first);
        assertSame(first, buffers.borrow(4000));
        buffers.giveBack(second);
        assertTrue(buffers.borrow(second.length + 1).length > second.length);
        assertSame(second, buffers.borrow(0));
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
