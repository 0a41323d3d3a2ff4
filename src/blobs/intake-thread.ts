import { createHash, type Hash } from 'node:crypto';
import { closeSync, createReadStream, fdatasync, fsync, statSync, unlinkSync, writeSync } from 'node:fs';
import { copyFile, constants, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { promisify } from 'node:util';
import type { BlobRef } from '../core/blob.ts';
import { HoldfastError } from '../core/error.ts';
import { answerThread, lowerPriority } from '../core/thread.ts';
import { flushFolder, keepBodies, openNew, renameInto, signatureOf, type SmallBody } from './keep.ts';
import { blobFolder } from './paths.ts';

/** Hashing, writing and flushing, away from the thread that serves HTTP. */
const { dir, patient } = workerData as { dir: string; patient: boolean };
const { pathOf } = blobFolder(dir);
if (patient) lowerPriority();
const flushBytes = promisify(fsync);
const startFlush = promisify(fdatasync);

/** How much of a long body is written before it is sent towards the disk, so that the last flush finds little to do. */
const bytesBetweenFlushes = 16 * 1024 * 1024;

interface Open {
  temporary: string;
  descriptor: number;
  hash: Hash;
  sizeBytes: number;
  unflushedBytes: number;
  flushing: Promise<void> | undefined;
  /** The kernel reports a failed flush once; a later one may succeed although bytes are lost. */
  flushFailed: Error | undefined;
  id: string | undefined;
}

const streams = new Map<number, Open>();

answerThread(parentPort!, {
  whole: (bodies: SmallBody[]) => keepBodies(bodies, pathOf),

  begin({ stream, temporary }: { stream: number; temporary: string }) {
    const descriptor = openNew(temporary);
    const fresh = {
      sizeBytes: 0,
      unflushedBytes: 0,
      flushing: undefined,
      flushFailed: undefined,
      id: undefined,
    };
    streams.set(stream, { temporary, descriptor, hash: createHash('sha256'), ...fresh });
  },

  write({ stream, block, length }: { stream: number; block: SharedArrayBuffer; length: number }) {
    const open = streams.get(stream)!;
    const bytes = new Uint8Array(block, 0, length);
    open.hash.update(bytes);
    for (let written = 0; written < length;) written += writeSync(open.descriptor, bytes, written);
    open.sizeBytes += length;
    open.unflushedBytes += length;
    if (open.unflushedBytes >= bytesBetweenFlushes && open.flushing === undefined) flushAlong(open);
  },

  end({ stream }: { stream: number }): BlobRef {
    const open = streams.get(stream)!;
    open.id = open.hash.digest('hex');
    return { id: open.id, sizeBytes: open.sizeBytes };
  },

  async keep({ stream }: { stream: number }): Promise<string> {
    const open = streams.get(stream)!;
    const { descriptor, temporary, id } = open;
    await open.flushing;
    if (open.flushFailed !== undefined) throw open.flushFailed;
    await flushBytes(descriptor);
    const path = pathOf(id!);
    renameInto(temporary, path);
    flushFolder(dirname(path)); // named for good from here on
    closeSync(descriptor);
    streams.delete(stream);
    return signatureOf(statSync(path, { bigint: true }));
  },

  async drop({ stream }: { stream: number }) {
    const open = streams.get(stream);
    if (open === undefined) return;
    streams.delete(stream);
    await open.flushing;
    closeSync(open.descriptor);
    unlinkSync(open.temporary);
  },

  /** The hash of a file as it is now, with the signature it had while it was read. */
  async hash({ path }: { path: string }): Promise<{ id: string; signature: string }> {
    const before = signatureOf(statSync(path, { bigint: true }));
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
      hash.update(chunk as Buffer);
    const after = signatureOf(statSync(path, { bigint: true }));
    return { id: hash.digest('hex'), signature: before === after ? after : '' };
  },

  /** A flushed copy whose bytes have been checked; a reflink where the file system can. */
  async copy({ ref, temporary }: { ref: BlobRef; temporary: string }) {
    try {
      await copyFile(pathOf(ref.id), temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      await checkAndFlush(ref, temporary);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  },
});

function flushAlong(open: Open): void {
  open.unflushedBytes = 0;
  open.flushing = startFlush(open.descriptor)
    .catch((error: unknown) => (open.flushFailed = error as Error))
    .then(() => (open.flushing = undefined));
}

async function checkAndFlush(ref: BlobRef, file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const hash = createHash('sha256');
    for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 })) {
      hash.update(chunk as Buffer);
    }
    if (hash.digest('hex') !== ref.id) {
      throw new HoldfastError('damaged', `The bytes of ${ref.id} are damaged on the disk.`);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}
