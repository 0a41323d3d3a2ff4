import { Worker } from 'node:worker_threads';
import { callThread, type Caller } from '../core/thread.ts';

/** A worker thread and how much it has to do. */
export interface IntakeThread extends Caller {
  /** Calls that are not answered yet. */
  busy: number;
}

export interface IntakePool {
  readonly threads: readonly IntakeThread[];
  /** The thread with the least to do. */
  idlest(): IntakeThread;
  stop(): Promise<void>;
}

/** Threads for blobs in `dir`. Each keeps a small heap: the bytes they work on live outside it. */
export function startIntakePool(dir: string, size: number): IntakePool {
  const workers = Array.from({ length: size }, () => startWorker(dir));
  const threads = workers.map((worker) => countCalls(callThread(worker)));
  return {
    threads,
    idlest: () => threads.reduce((least, thread) => (thread.busy < least.busy ? thread : least)),
    async stop() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function startWorker(dir: string): Worker {
  return new Worker(new URL('./intake-thread.ts', import.meta.url), {
    workerData: { dir },
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
  });
}

function countCalls(caller: Caller): IntakeThread {
  const thread: IntakeThread = {
    busy: 0,
    async call<T>(...args: Parameters<Caller['call']>) {
      thread.busy += 1;
      try {
        return await caller.call<T>(...args);
      } finally {
        thread.busy -= 1;
      }
    },
  };
  return thread;
}
