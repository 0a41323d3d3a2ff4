import { randomUUID } from 'node:crypto';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { systemCode } from '../core/error.ts';

type Probed = { readonly writable: true } | { readonly writable: false; readonly reason: string };
export type Probe = () => Promise<Probed>;

interface ProbeParts {
  readonly dir: string;
  readonly clock: Clock;
  /** The disk is asked no more often; in between, the last answer counts. */
  readonly everyMs?: number;
  /** A disk that takes longer cannot take uploads either. */
  readonly timeoutMs?: number;
  /** Writes, flushes and removes `file`. */
  readonly attempt?: (file: string) => Promise<void>;
}

const prefix = '.probe-';

/** Finds out whether `dir` takes files. The probe never throws and always answers within `timeoutMs`. */
export function createProbe({
  dir,
  clock,
  everyMs = 5000,
  timeoutMs = 3000,
  attempt = writeFlushRemove,
}: ProbeParts): Probe {
  const name = `${prefix}${randomUUID()}`; // process ids repeat: two containers may share the folder
  let cleaned = false;
  let last: { atMs: number; probed: Probed } | undefined;
  let asking: Promise<Probed> | undefined;
  let unanswered = false;

  return async function probe() {
    if (asking) return asking;
    if (last && clock.monotonicMs() - last.atMs < everyMs) return last.probed;
    // one more call to a disk that hangs would only take another of the few threads that Node has for files
    if (unanswered) return slow(timeoutMs);
    asking = ask();
    const probed = await asking;
    asking = undefined;
    last = { atMs: clock.monotonicMs(), probed };
    return probed;
  };

  async function ask(): Promise<Probed> {
    unanswered = true;
    const answer = tryOnce().finally(() => (unanswered = false));
    const alarm = Promise.withResolvers<Probed>();
    const timer = setTimeout(() => alarm.resolve(slow(timeoutMs)), timeoutMs);
    return Promise.race([answer, alarm.promise]).finally(() => clearTimeout(timer));
  }

  async function tryOnce(): Promise<Probed> {
    try {
      if (!cleaned) await removeLeftovers(dir);
      cleaned = true;
      await attempt(join(dir, name));
      return { writable: true };
    } catch (error) {
      return { writable: false, reason: reasonOf(error) };
    }
  }
}

async function writeFlushRemove(file: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(Buffer.alloc(4096, 'probe')); // a block: fewer bytes may fit where no upload would
    await handle.sync();
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}

/** Of probes that were killed. One that is at work elsewhere does not mind: its file stays open. */
async function removeLeftovers(dir: string): Promise<void> {
  const leftovers = (await readdir(dir)).filter((name) => name.startsWith(prefix));
  await Promise.allSettled(leftovers.map((name) => rm(join(dir, name), { force: true })));
}

function slow(timeoutMs: number): Probed {
  return { writable: false, reason: `the disk did not answer within ${timeoutMs / 1000} seconds` };
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EROFS: 'the disk is read-only',
  EACCES: 'the folder may not be written to',
  EPERM: 'the folder may not be written to',
  ENOENT: 'the folder is gone',
  ENOTDIR: 'the folder is gone',
  EIO: 'the disk reports errors',
};

/** Never with a path: anybody may ask for health. */
function reasonOf(error: unknown): string {
  const code = systemCode(error);
  return reasons[code] ?? `the disk failed${code && ` (${code})`}`;
}
