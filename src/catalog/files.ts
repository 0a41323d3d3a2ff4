import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { BlobRef } from '../core/blob.ts';
import type { CatalogFiles } from '../core/catalog.ts';
import type { Clock } from '../core/clock.ts';
import { flushFile, flushFolder } from '../core/durable.ts';
import { HoldfastError, isHoldfastError, storageError, systemCode } from '../core/error.ts';
import { callThread, type Caller } from '../core/thread.ts';

const blobsAPage = 1000;

/** Catalogs as files. `putInPlace` closes the running catalog, calls `setAside` and opens what is there then. */
export function createCatalogFiles(
  thread: Caller,
  running: string,
  vaults: readonly string[],
  putInPlace: (staged: string) => Promise<void>,
): CatalogFiles {
  const call = async <T>(operation: string, input: object, doing: string): Promise<T> => {
    try {
      return await thread.call<T>(operation, input);
    } catch (error) {
      throw isHoldfastError(error) ? error : readFailure(error, doing);
    }
  };
  return {
    copyTo: (file) => call('copyTo', { running, file }, 'copy the catalog'),
    check: (file, depth) => call('check', { file, depth }, 'check a catalog'),
    async *blobs(file, which): AsyncGenerator<BlobRef> {
      for (let afterId = ''; ;) {
        const page = await call<BlobRef[]>(
          'blobs',
          { file, least: which === 'all' ? 0 : 1, afterId, limit: blobsAPage },
          'read a catalog',
        );
        yield* page;
        if (page.length < blobsAPage) return;
        afterId = page.at(-1)!.id;
      }
    },
    succeed: (file, succession) => call('succeed', { file, running, succession }, 'stage a catalog'),
    apply: (file, unit) => call('apply', { file, unit, vaults }, 'stage a catalog'),
    replace: putInPlace,
  };
}

export interface FilesThread extends Caller {
  stop(): Promise<void>;
}

/** The thread starts with the first call, as most runs of a command need none. */
export function startFilesThread(): FilesThread {
  let worker: Worker | undefined;
  let caller: Caller | undefined;
  return {
    call(operation, input, transfer) {
      worker ??= new Worker(new URL('./files-thread.ts', import.meta.url));
      caller ??= callThread(worker);
      return caller.call(operation, input, transfer);
    },
    async stop() {
      await worker?.terminate();
    },
  };
}

/**
 * Moves the catalog aside, under a dated name, and `staged` into its place. Its WAL goes first: beside another catalog it
 * would be read as part of that one. A crash in between leaves no catalog, and the next start rebuilds it.
 */
export async function setAside(
  { file, asideDir, clock }: { file: string; asideDir: string; clock: Clock },
  staged: string | undefined,
): Promise<void> {
  const dated = join(asideDir, new Date(clock.nowMs()).toISOString().replace(/[:.]/g, '-'));
  for (const part of [`${file}-wal`, `${file}-shm`, `${file}-journal`, file]) {
    if (!(await exists(part))) continue;
    await mkdir(dated, { recursive: true });
    await move(part, join(dated, basename(part)));
  }
  if (staged !== undefined) await move(staged, file);
  await flushFolder(dirname(file));
}

/** DATABASE_PATH may lie in another file system: then a flushed copy takes the name, and the original goes. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error;
    await copyFile(from, `${to}.moving`);
    await flushFile(`${to}.moving`);
    await rename(`${to}.moving`, to);
    await rm(from);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

const damagedCodes = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_ERROR', 'SQLITE_CONSTRAINT']);

/** A file that is no database, or one whose pages make no sense, is damaged; anything else is the disk's fault. */
function readFailure(error: unknown, doing: string): Error {
  const code = systemCode(error);
  if ([...damagedCodes].some((damaged) => code.startsWith(damaged)) || error instanceof SyntaxError) {
    return new HoldfastError('damaged', `The catalog is damaged: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  return storageError(error, doing);
}
