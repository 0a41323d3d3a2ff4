import { closeSync, fstatSync } from 'node:fs';
import { open, read } from 'node:fs';
import { promisify } from 'node:util';
import type { BlobId, BlobReader } from '../core/blob.ts';
import { signatureOf } from './keep.ts';

/** Files that are read again and again stay open, so that a small download is one read. */
export interface OpenFiles {
  /** The file under that path, with its signature as it is now. Give it back with `close`. @throws what open(2) fails with */
  open(id: BlobId, path: string): Promise<OpenFile>;
  /** Its name has gone or means another file: it is not given out again. */
  forget(id: BlobId): void;
  stop(): void;
}

export interface OpenFile extends BlobReader {
  /** Of the file as it is now: changes whenever its bytes may have. */
  signature(): string;
}

interface Entry {
  readonly descriptor: number;
  users: number;
  /** Out of the cache: closed when the last user has gone. */
  dropped: boolean;
}

const openFile = promisify(open);

export function createOpenFiles(most: number): OpenFiles {
  const entries = new Map<BlobId, Entry>();

  function drop(id: BlobId) {
    const entry = entries.get(id);
    if (entry === undefined) return;
    entries.delete(id);
    entry.dropped = true;
    closeUnused(entry);
  }

  function use(id: BlobId, entry: Entry): OpenFile {
    entry.users += 1;
    if (entries.get(id) !== entry) drop(id); // two opened it at once: the later one is kept
    entries.delete(id); // the end of the map is what was used last
    entries.set(id, entry);
    if (entries.size > most) drop(entries.keys().next().value!);
    return readerOf(entry);
  }

  return {
    async open(id, path) {
      const held = entries.get(id);
      if (held !== undefined && fstatSync(held.descriptor).nlink > 0) return use(id, held);
      drop(id); // somebody removed it behind our back
      return use(id, { descriptor: await openFile(path, 'r'), users: 0, dropped: false });
    },
    forget: drop,
    stop() {
      for (const id of [...entries.keys()]) drop(id);
    },
  };
}

/** fstat(2) of an open file asks memory, not the disk, so it may be waited for. */
function readerOf(entry: Entry): OpenFile {
  const { descriptor } = entry;
  let closed = false;
  return {
    sizeBytes: fstatSync(descriptor).size,
    signature: () => signatureOf(fstatSync(descriptor, { bigint: true })),
    read: (into, position) =>
      new Promise((resolve, reject) => {
        read(descriptor, into, 0, into.length, position, (error, count) => {
          if (error === null) resolve(count);
          else reject(error);
        });
      }),
    close() {
      if (closed) return;
      closed = true;
      entry.users -= 1;
      closeUnused(entry);
    },
  };
}

function closeUnused(entry: Entry): void {
  if (entry.dropped && entry.users === 0) closeSync(entry.descriptor);
}
