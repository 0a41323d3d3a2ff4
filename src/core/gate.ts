import { HoldfastError } from './error.ts';

/**
 * Keeps apart those who add rows and blobs (many at once) from those who must be alone for a moment: the collector that
 * removes a blob nobody names, and a restore.
 */
export interface Gate {
  /** Runs `work` beside others. Waits while somebody is alone. @throws unavailable while the gate is closed */
  together<T>(work: () => Promise<T>): Promise<T>;
  /** Runs `work` when everybody inside has left; those who come meanwhile wait. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** The same, but those who come meanwhile are refused with `reason` instead of waiting. */
  closed<T>(reason: string, work: () => Promise<T>): Promise<T>;
}

export function createGate(): Gate {
  let inside = 0;
  let refusal: string | undefined;
  let turn: Promise<void> = Promise.resolve(); // resolves when everyone who wanted to be alone before has been
  let waiting = 0;
  let emptied: (() => void) | undefined;

  async function alone<T>(work: () => Promise<T>): Promise<T> {
    const before = turn;
    let done = () => {};
    turn = new Promise((resolve) => (done = resolve));
    waiting += 1;
    try {
      await before;
      if (inside > 0) await new Promise<void>((resolve) => (emptied = resolve));
      return await work();
    } finally {
      waiting -= 1;
      done();
    }
  }

  return {
    async together(work) {
      while (waiting > 0) {
        if (refusal !== undefined)
          throw new HoldfastError('unavailable', refusal, { facts: { retryAfterSeconds: 5 } });
        await turn;
      }
      inside += 1;
      try {
        return await work();
      } finally {
        inside -= 1;
        if (inside === 0) emptied?.();
      }
    },
    alone,
    async closed(reason, work) {
      refusal = reason;
      try {
        return await alone(work);
      } finally {
        refusal = undefined;
      }
    },
  };
}
