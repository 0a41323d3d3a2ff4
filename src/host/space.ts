import { statfs } from 'node:fs/promises';
import { storageError } from '../core/error.ts';

/** Bytes that this process may still write under `dir`; what is reserved for root does not count. @throws unavailable */
export async function freeBytes(dir: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  } catch (cause) {
    throw storageError(cause, 'tell how much room is left');
  }
}
