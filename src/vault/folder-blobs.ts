import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isBlobId, type BlobId, type BlobRef, type BlobStore } from '../core/blob.ts';
import type { Ids } from '../core/clock.ts';
import { flushFolder, makeFolder } from '../core/durable.ts';
import { HoldfastError, storageError, systemCode } from '../core/error.ts';

/** On a folder that one process has to itself one name will do, and it is found without reading the folder. */
const put = 'local-0';

/**
 * `blobs/<a>/<sha256>.<writer>-<k>`: any file under the hash will do for a reader. What is opened is checked while it is
 * read: whoever takes it compares the hash (a vault is read to heal, not to serve).
 */
export function createFolderBlobs({ dir, ids }: { dir: string; ids: Ids }): BlobStore {
  const folderOf = (id: BlobId) => join(dir, 'blobs', id[0]!);
  const ours = (id: BlobId) => join(folderOf(id), `${id}.${put}`);

  async function adopt({ id }: BlobRef, file: string) {
    try {
      await renameInto(file, ours(id));
      await flushFolder(dirname(ours(id)));
    } catch (error) {
      throw storageError(error, 'store a blob in the vault');
    }
  }

  return {
    async put(ref, body) {
      const temporary = join(dir, 'incoming', ids.random(20));
      try {
        await writeChecked(temporary, ref, body);
        await adopt(ref, temporary);
      } catch (error) {
        await rm(temporary, { force: true });
        throw storageError(error, 'store a blob in the vault');
      }
    },
    adopt,
    async open(id, range) {
      const file = await find(folderOf(id), ours(id), id);
      if (file === undefined) throw new HoldfastError('not-found', `The vault has no copy of ${id}.`);
      return createReadStream(file, { ...range, highWaterMark: 512 * 1024 });
    },
    async reader(id) {
      const file = await find(folderOf(id), ours(id), id);
      if (file === undefined) throw new HoldfastError('not-found', `The vault has no copy of ${id}.`);
      const handle = await open(file, 'r');
      return {
        sizeBytes: (await handle.stat()).size,
        read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
        close: () => void handle.close(),
      };
    },
    async size(id) {
      const file = await find(folderOf(id), ours(id), id);
      return file === undefined ? undefined : (await stat(file)).size;
    },
    async remove(id) {
      for (const file of await filesOf(folderOf(id), id)) await rm(file, { force: true });
    },
    async *list() {
      for (const digit of await namesIn(join(dir, 'blobs'))) yield* listFolder(join(dir, 'blobs', digit));
    },
  };
}

/** The folder is there but for the first blob in it. */
async function renameInto(file: string, target: string): Promise<void> {
  try {
    await rename(file, target);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    await makeFolder(dirname(target));
    await rename(file, target);
  }
}

async function find(folder: string, likely: string, id: BlobId): Promise<string | undefined> {
  const found = await stat(likely).catch(() => undefined);
  if (found !== undefined) return likely;
  return (await filesOf(folder, id))[0];
}

async function filesOf(folder: string, id: BlobId): Promise<string[]> {
  const names = await namesIn(folder);
  return names.filter((name) => name.startsWith(`${id}.`)).map((name) => join(folder, name));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw storageError(error, 'read the vault');
  }
}

async function writeChecked(file: string, ref: BlobRef, body: Readable): Promise<void> {
  const hash = createHash('sha256');
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(body, check, createWriteStream(file, { flags: 'wx', mode: 0o640, flush: true }));
  if (hash.digest('hex') !== ref.id) {
    throw new HoldfastError('damaged', `The bytes of ${ref.id} are damaged and were not put into the vault.`);
  }
}

async function* listFolder(dir: string): AsyncGenerator<BlobRef> {
  const listed = new Set<BlobId>();
  for await (const entry of await opendir(dir, { bufferSize: 256 })) {
    const id = entry.name.split('.')[0]!;
    if (!entry.isFile() || !isBlobId(id) || listed.has(id)) continue;
    const found = await stat(join(dir, entry.name)).catch(() => undefined); // removed meanwhile
    if (found === undefined) continue;
    listed.add(id);
    yield { id, sizeBytes: found.size };
  }
}
