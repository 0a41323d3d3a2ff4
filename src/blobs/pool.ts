import { Worker } from 'node:worker_threads';
import { callThread, type Caller } from '../core/thread.ts';

/** A worker thread and how much it has to do. */
export interface IntakeThread extends Caller {
  /** Calls that are not answered yet. */
  busy: number;
}

export interface IntakePool {
  /** The thread with the least to do; a new one while all have something and there may be more. */
  idlest(): IntakeThread;
  stop(): Promise<void>;
}

/**
 * Up to `most` threads for blobs in `dir`; those of a `patient` pool let others go first. Each takes some 15 MB, so that one is started only when those there are have
 * something to do: a service with one client at a time stays small.
 */
export function createIntakePool(dir: string, most: number, patient = false): IntakePool {
  const workers: Worker[] = [];
  const threads: IntakeThread[] = [];

  function start(): IntakeThread {
    const worker = startWorker(dir, patient);
    const thread = countCalls(callThread(worker));
    workers.push(worker);
    threads.push(thread);
    return thread;
  }

  return {
    idlest() {
      const [first, ...others] = threads;
      if (first === undefined) return start();
      const least = others.reduce((one, other) => (other.busy < one.busy ? other : one), first);
      return least.busy > 0 && threads.length < most ? start() : least;
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function startWorker(dir: string, patient: boolean): Worker {
  return new Worker(new URL('./intake-thread.ts', import.meta.url), {
    workerData: { dir, patient },
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
