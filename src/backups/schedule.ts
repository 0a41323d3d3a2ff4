import cron from 'node-cron';
import { isHoldfastError } from '../core/error.ts';
import type { Clock } from '../core/clock.ts';
import type { Backup, BackupReason } from '../core/vault.ts';

export interface Schedule {
  /** So many uploads were committed. */
  uploaded(count: number): void;
  /** A backup was made, whoever asked for it. */
  made(backup: Backup): void;
  state(): { uploadsSince: number; last: Backup | null; nextAt: string | null; failed: string | null };
  stop(): Promise<void>;
}

interface Parts {
  readonly clock: Clock;
  /** Uploads between two backups; 0: none for uploads. */
  readonly every: number;
  /** null: none by the clock. */
  readonly cron: string | null;
  readonly backup: (reason: BackupReason) => Promise<Backup>;
  readonly onFailed: (error: unknown) => void;
  /** The newest backup when this process started, and the uploads since. */
  readonly last: Backup | null;
  readonly uploadsSince: number;
}

/** A backup that took a second is followed by a pause of nine: making them never takes more than a tenth of the time. */
const pauseFactor = 9;
const shortestPauseMs = 1000;
/** In a burst of more than this a second, uploads go first; but no longer than `longestWaitMs` after the last backup. */
const burstUploads = 100;
const longestWaitMs = 60_000;

export function startSchedule(parts: Parts): Schedule {
  let { last, uploadsSince } = parts;
  let failed: string | null = null;
  let running: Promise<void> | undefined;
  let pause: NodeJS.Timeout | undefined;
  let stopped = false;
  let lastEndMs = parts.clock.monotonicMs();
  let second = { startMs: 0, uploads: 0 };

  async function run(reason: BackupReason) {
    const startMs = parts.clock.monotonicMs();
    try {
      await parts.backup(reason);
      failed = null;
    } catch (error) {
      if (!isHoldfastError(error, 'busy')) {
        failed = (error as Error).message; // a restore that runs is no failure
        parts.onFailed(error);
      }
    }
    lastEndMs = parts.clock.monotonicMs();
    const pauseMs = Math.max(shortestPauseMs, (parts.clock.monotonicMs() - startMs) * pauseFactor);
    if (!stopped) wait(pauseMs);
  }

  function wait(ms: number) {
    pause = setTimeout(resume, ms).unref();
  }

  function resume() {
    pause = undefined;
    runIfDue();
  }

  function runIfDue() {
    if (stopped || running !== undefined || pause !== undefined) return;
    if (parts.every === 0 || uploadsSince < parts.every) return;
    const nowMs = parts.clock.monotonicMs();
    const burst = nowMs - second.startMs < 1000 && second.uploads > burstUploads;
    if (burst && nowMs - lastEndMs < longestWaitMs) return wait(1000);
    running = run('uploads').finally(() => (running = undefined));
  }

  const task = parts.cron === null ? undefined : cron.schedule(parts.cron, () => run('schedule'));

  runIfDue();
  return {
    uploaded(count) {
      uploadsSince += count;
      const nowMs = parts.clock.monotonicMs();
      if (nowMs - second.startMs >= 1000) second = { startMs: nowMs, uploads: 0 };
      second.uploads += count;
      runIfDue();
    },
    made(backup) {
      last = backup;
      uploadsSince = 0;
    },
    state: () => ({ last, uploadsSince, nextAt: task?.getNextRun()?.toISOString() ?? null, failed }),
    async stop() {
      stopped = true;
      clearTimeout(pause);
      await task?.destroy();
      await running;
    },
  };
}
