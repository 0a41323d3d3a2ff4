import { HoldfastError } from '../core/error.ts';
import type { Backup, BackupReason } from '../core/vault.ts';

/** One backup at a time, and none beside a restore. */
export interface BackupLane {
  /**
   * A backup of everything committed when this was called. Who asks before the running one has cut its snapshot shares it.
   * @throws busy (an equal request is being served, or a restore runs), and what making it throws
   */
  backup(reason: BackupReason): Promise<Backup>;
  /** Runs `work` with nothing else in the lane. @throws busy when a restore is running already */
  restore<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
  readonly running: boolean;
}

interface Running {
  readonly reason: BackupReason;
  readonly result: Promise<Backup>;
  cut: boolean;
}

export function createBackupLane(
  make: (reason: BackupReason, onCut: () => void) => Promise<Backup>,
): BackupLane {
  let running: Running | undefined;
  let next: Promise<Backup> | undefined;
  let restoring = false;

  function start(reason: BackupReason): Promise<Backup> {
    const mine: Running = {
      reason,
      cut: false,
      result: Promise.resolve()
        .then(() => make(reason, () => (mine.cut = true)))
        .finally(() => (running = undefined)),
    };
    running = mine;
    return mine.result;
  }

  /** All who wait while a backup runs get the one after it. */
  async function startNext(reason: BackupReason, before: Running): Promise<Backup> {
    await before.result.catch(() => undefined);
    next = undefined;
    return start(reason);
  }

  /** One that waits its turn counts as running. */
  async function idle() {
    while (running !== undefined || next !== undefined)
      await (next ?? running!.result).catch(() => undefined);
  }

  return {
    async backup(reason) {
      if (restoring) throw busy('A restore is running. Ask again when it is done.');
      if (running === undefined) return start(reason);
      if (!running.cut) return running.result;
      if (reason === 'request' && running.reason === 'request' && next === undefined) {
        throw busy('A backup is being made. Ask again when it is done.');
      }
      return (next ??= startNext(reason, running));
    },
    async restore(work) {
      if (restoring) throw busy('Another restore is running. Ask again when it is done.');
      restoring = true;
      try {
        await idle();
        return await work();
      } finally {
        restoring = false;
      }
    },
    idle,
    get running() {
      return running !== undefined || restoring;
    },
  };
}

function busy(message: string): HoldfastError {
  return new HoldfastError('busy', message, { facts: { retryAfterSeconds: 5 } });
}
