import { opendir, rename, rm, stat } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isBlobId, type BlobId, type BlobReader, type BlobRef, type BlobStore } from '../core/blob.ts';
import type { Ids } from '../core/clock.ts';
import { flushFolder, makeFolder } from '../core/durable.ts';
import { HoldfastError, storageError, systemCode } from '../core/error.ts';
import { signatureOf } from './keep.ts';
import type { BlobFolder } from './paths.ts';
import type { OpenFile, OpenFiles } from './open-files.ts';
import type { IntakePool } from './pool.ts';
import { streamRange } from './stream.ts';
import type { SoundBlobs } from './sound.ts';

export interface DiskBlobsParts {
  readonly folder: BlobFolder;
  readonly pool: IntakePool;
  readonly ids: Ids;
  readonly sound: SoundBlobs;
  readonly files: OpenFiles;
}

/** A file that is healed meanwhile is looked into once more. */
const mostLooks = 5;

/** Blobs as files. What is opened is known to be sound: read whole since its file last changed. */
export function createDiskBlobs({ folder, pool, ids, sound, files }: DiskBlobsParts): BlobStore {
  async function adopt(ref: BlobRef, file: string) {
    const path = folder.pathOf(ref.id);
    try {
      await makeFolder(dirname(path));
      await rename(file, path);
      files.forget(ref.id);
      await flushFolder(dirname(path));
      sound.note(ref.id, signatureOf(await stat(path, { bigint: true })));
    } catch (error) {
      throw storageError(error, 'store a blob');
    }
  }

  /** A file that has been read whole, and found sound, since it last changed. */
  async function openSound(id: BlobId): Promise<BlobReader> {
    for (let tries = 0; tries < mostLooks; tries += 1) {
      const reader = await openFile(files, folder, id);
      if (sound.knows(id, reader.signature())) return reader;
      reader.close();
      files.forget(id); // what is looked into is what has the name now, which may be another file by then
      await requireSound(pool, sound, folder, id);
    }
    throw new HoldfastError('unavailable', 'The stored bytes change while they are read. Try again shortly.');
  }

  return {
    async put(ref, body) {
      const temporary = join(folder.incoming, ids.random(20));
      try {
        const id = await writeHashed(temporary, body, ref.sizeBytes);
        if (id !== ref.id)
          throw new HoldfastError('damaged', `The copy of ${ref.id} that was read is damaged.`);
        await adopt(ref, temporary);
      } catch (error) {
        await rm(temporary, { force: true });
        throw storageError(error, 'store a blob');
      }
    },

    adopt,

    async open(id, range) {
      const reader = await openSound(id);
      return streamRange(reader, range ?? { start: 0, end: reader.sizeBytes - 1 });
    },

    reader: openSound,

    async size(id) {
      try {
        return (await stat(folder.pathOf(id))).size;
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined;
        throw storageError(error, 'read a blob');
      }
    },

    async remove(id) {
      sound.forget(id);
      files.forget(id);
      await rm(folder.pathOf(id), { force: true }).catch((error: unknown) => {
        throw storageError(error, 'remove a blob');
      });
    },

    async *list() {
      for (const digit of '0123456789abcdef') yield* listFolder(join(folder.dir, digit));
    },
  };
}

async function openFile(files: OpenFiles, folder: BlobFolder, id: BlobId): Promise<OpenFile> {
  try {
    return await files.open(id, folder.pathOf(id));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw notHere(id, error);
    throw storageError(error, 'read a blob');
  }
}

async function requireSound(
  pool: IntakePool,
  sound: SoundBlobs,
  folder: BlobFolder,
  id: BlobId,
): Promise<void> {
  const found = await pool
    .idlest()
    .call<{ id: BlobId; signature: string }>('hash', { path: folder.pathOf(id) })
    .catch((error: unknown) => {
      throw systemCode(error) === 'ENOENT' ? notHere(id, error) : storageError(error, 'read a blob');
    });
  if (found.id !== id) throw new HoldfastError('damaged', `The bytes of ${id} are damaged on the disk.`);
  sound.note(id, found.signature);
}

function notHere(id: BlobId, cause: unknown): HoldfastError {
  return new HoldfastError('not-found', `The bytes of ${id} are not on this disk.`, { cause });
}

/** Writes and flushes; the hash of what was written. @throws damaged when there is more or less than was announced */
async function writeHashed(file: string, body: AsyncIterable<unknown>, sizeBytes: number): Promise<BlobId> {
  const hash = createHash('sha256');
  let count = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      count += chunk.length;
      hash.update(chunk);
      done(
        count > sizeBytes ? new HoldfastError('damaged', 'A copy of a blob is longer than the blob.') : null,
        chunk,
      );
    },
  });
  await pipeline(body, check, createWriteStream(file, { flags: 'wx', mode: 0o640, flush: true }));
  if (count !== sizeBytes) throw new HoldfastError('damaged', 'A copy of a blob is shorter than the blob.');
  return hash.digest('hex');
}

async function* listFolder(dir: string): AsyncGenerator<BlobRef> {
  try {
    for await (const entry of await opendir(dir, { bufferSize: 256 })) {
      if (!entry.isFile() || !isBlobId(entry.name)) continue;
      const found = await stat(join(dir, entry.name)).catch(() => undefined); // removed meanwhile
      if (found !== undefined) yield { id: entry.name, sizeBytes: found.size };
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw storageError(error, 'list blobs');
  }
}
