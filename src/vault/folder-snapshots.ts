import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { opendir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { flushFile, flushFolder, makeFolder } from '../core/durable.ts';
import { HoldfastError, storageError, systemCode } from '../core/error.ts';
import type { WriterId } from '../core/stamp.ts';
import type { SnapshotRef, Snapshots } from '../core/vault.ts';

const compression = {
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
};

/** `timelines/<n>/snapshots/<writer>-<k>.db.zst` */
export function createFolderSnapshots({ dir, writer }: { dir: string; writer: WriterId }): Snapshots {
  let made = 0;
  return {
    async put(timeline, file) {
      made += 1;
      const path = `timelines/${timeline}/snapshots/${writer}-${made}.db.zst`;
      const target = join(dir, path);
      const temporary = join(dir, 'incoming', basename(path));
      try {
        await makeFolder(dirname(target));
        const written = await compress(file, temporary);
        await rename(temporary, target);
        await flushFolder(dirname(target));
        await readBack(target, written.sha256);
        return { path, ...written };
      } catch (error) {
        await rm(temporary, { force: true });
        await rm(target, { force: true });
        throw storageError(error, 'store a snapshot');
      }
    },
    fetch: (snapshot, file) => fetchSnapshot(dir, snapshot, file),
    async *list() {
      for (const path of await snapshotPaths(dir))
        yield { path, sizeBytes: (await stat(join(dir, path))).size };
    },
    remove: (path) => rm(join(dir, path), { force: true }),
  };
}

async function compress(file: string, target: string): Promise<{ sizeBytes: number; sha256: string }> {
  const counted = hashing();
  await pipeline(
    createReadStream(file, { highWaterMark: 1024 * 1024 }),
    createZstdCompress(compression),
    counted.stream,
    createWriteStream(target, { mode: 0o640, flush: true }),
  );
  return counted.result();
}

/** What was written is what will be read: a disk that lies is found out now and not at restore time. */
async function readBack(file: string, sha256: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  if (hash.digest('hex') !== sha256)
    throw new HoldfastError('damaged', 'A snapshot reads back other than written.');
}

async function fetchSnapshot(dir: string, snapshot: SnapshotRef, file: string): Promise<void> {
  const counted = hashing();
  try {
    await pipeline(
      createReadStream(join(dir, snapshot.path), { highWaterMark: 1024 * 1024 }),
      counted.stream,
      createZstdDecompress(),
      createWriteStream(file, { mode: 0o640 }),
    );
    if (counted.result().sha256 !== snapshot.sha256) throw damagedSnapshot(snapshot);
    await flushFile(file);
  } catch (error) {
    await rm(file, { force: true });
    throw fetchFailure(error, snapshot);
  }
}

function fetchFailure(error: unknown, snapshot: SnapshotRef): Error {
  const code = systemCode(error);
  if (code === 'ENOENT') {
    return new HoldfastError('not-found', `The snapshot ${snapshot.path} is missing.`, { cause: error });
  }
  if (code.startsWith('ZSTD_') || code.startsWith('ERR_ZSTD') || code === 'Z_BUF_ERROR') {
    return damagedSnapshot(snapshot, error);
  }
  return storageError(error, 'read a snapshot');
}

function damagedSnapshot(snapshot: SnapshotRef, cause?: unknown): HoldfastError {
  return new HoldfastError('damaged', `The snapshot ${snapshot.path} is damaged: its hash does not match.`, {
    cause,
  });
}

function hashing(): { stream: Transform; result(): { sizeBytes: number; sha256: string } } {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  return { stream, result: () => ({ sizeBytes, sha256: hash.digest('hex') }) };
}

async function snapshotPaths(dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const timeline of await opendir(join(dir, 'timelines'))) {
    if (!timeline.isDirectory()) continue;
    const folder = `timelines/${timeline.name}/snapshots`;
    const entries = await opendir(join(dir, folder)).catch(() => undefined); // a timeline may have none
    if (entries === undefined) continue;
    for await (const entry of entries)
      if (entry.name.endsWith('.db.zst')) found.push(`${folder}/${entry.name}`);
  }
  return found;
}
