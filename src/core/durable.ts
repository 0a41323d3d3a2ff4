import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './error.ts';

/**
 * Files that survive a power cut. A file is written under a temporary name, flushed, renamed, and the folder that holds the
 * name is flushed: fsync(2) of a file says nothing about its name.
 */
export async function writeDurably(file: string, bytes: string | Uint8Array, mode = 0o640): Promise<void> {
  const temporary = temporaryFor(file);
  try {
    await writeFlushed(temporary, bytes, mode);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await flushFolder(dirname(file));
}

/** Like `writeDurably`, but never over a file that is there. False: it is there already. */
export async function createDurably(file: string, bytes: string | Uint8Array): Promise<boolean> {
  const temporary = temporaryFor(file);
  await writeFlushed(temporary, bytes, 0o640);
  try {
    return await linkNew(temporary, file);
  } finally {
    await rm(temporary, { force: true });
    await flushFolder(dirname(file));
  }
}

/** Flushes the names in a folder. */
export async function flushFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes the bytes of a file that something else wrote. */
export async function flushFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder and those above it, each name flushed. */
export async function makeFolder(dir: string): Promise<void> {
  const first = await mkdir(dir, { recursive: true });
  if (first === undefined) return;
  for (let made = dir; ; made = dirname(made)) {
    await flushFolder(dirname(made));
    if (made === first) return;
  }
}

async function writeFlushed(file: string, bytes: string | Uint8Array, mode: number): Promise<void> {
  const handle = await open(file, 'w', mode);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** link(2) fails where the name is taken; rename(2) would replace it. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

let made = 0;

/** Two that write the same file at once must not write the same temporary one. */
function temporaryFor(file: string): string {
  made += 1;
  return `${file}.${process.pid}-${made}.tmp`;
}
