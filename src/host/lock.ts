import { mkdir, open, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError, storageError, systemCode } from '../core/error.ts';
import { contend, type Contender, type Neighbour } from './contend.ts';

/** A lock on DATA_DIR that ends with its process, however that ends. */
export interface FolderLock {
  release(): Promise<void>;
}

interface Patience {
  readonly waitMs?: number;
  /** Called once, when somebody else has the lock. */
  readonly onWaiting?: () => void;
}

/**
 * Waits up to `waitMs` for the lock. It holds between processes and containers of one kernel, wherever they have mounted
 * the folder. Two machines that share a network file system do not see each other (nor is SQLite safe there). Where the
 * file system has no sockets, only processes with the same temporary folder see each other.
 * @throws busy (somebody else still has it), no-space, unavailable
 */
export async function lockFolder(dataDir: string, patience: Patience = {}): Promise<FolderLock> {
  try {
    return await lockIn(join(dataDir, '.holdfast'), patience);
  } catch (cause) {
    if (!hasNoSockets.has(systemCode(cause))) throw storageError(cause, 'lock the data folder');
  }
  try {
    const { dev, ino } = await stat(dataDir);
    return await lockIn(join(tmpdir(), `holdfast-${dev}-${ino}`), patience);
  } catch (cause) {
    throw storageError(cause, 'lock the data folder');
  }
}

/** What is answered where the file system has no sockets, or where the path is too long for one. */
const hasNoSockets = new Set(['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EINVAL', 'ENOSYS', 'ENAMETOOLONG']);

async function lockIn(
  path: string,
  { waitMs = 60_000, onWaiting = () => {} }: Patience,
): Promise<FolderLock> {
  const deadlineMs = performance.now() + waitMs;
  const folder = await openFolder(path);
  let contender: Contender | undefined;
  try {
    for (let round = 0; ; round++) {
      contender = await contend(folder.path);
      const neighbours = await contender.neighbours();
      if (neighbours.length === 0) return held(contender, folder);
      await contender.leave();
      if (round === 0) onWaiting();
      await untilGone(neighbours, deadlineMs, waitMs);
    }
  } catch (error) {
    await contender?.leave();
    await folder.close();
    throw error;
  }
}

interface Folder {
  readonly path: string;
  close(): Promise<void>;
}

/** Linux: a name for the folder that is always short enough for the 107 bytes which the path of a socket may have. */
async function openFolder(path: string): Promise<Folder> {
  await mkdir(path, { recursive: true });
  if (process.platform !== 'linux') return { path, close: async () => {} };
  const handle = await open(path);
  return { path: `/proc/self/fd/${handle.fd}`, close: () => handle.close() };
}

function held(contender: Contender, folder: Folder): FolderLock {
  let released: Promise<void> | undefined;
  return { release: () => (released ??= contender.leave().then(() => folder.close())) };
}

async function untilGone(
  neighbours: readonly Neighbour[],
  deadlineMs: number,
  waitMs: number,
): Promise<void> {
  const alarm = Promise.withResolvers<never>();
  const leftMs = Math.max(0, Math.min(deadlineMs - performance.now(), 2 ** 31 - 1)); // more, a timer takes for nothing
  const timer = setTimeout(() => alarm.reject(stillBusy(waitMs)), leftMs);
  try {
    await Promise.race([Promise.all(neighbours.map(({ gone }) => gone)), alarm.promise]);
  } finally {
    clearTimeout(timer);
    for (const neighbour of neighbours) neighbour.forget();
  }
}

function stillBusy(waitMs: number): HoldfastError {
  const waited = `${Math.round(waitMs / 1000)} seconds`;
  return new HoldfastError(
    'busy',
    `Another Holdfast has this data folder, and still had it after ${waited}. Stop it, or set another DATA_DIR for this one.`,
  );
}
