import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { BlobId, BlobRef } from '../core/blob.ts';
import { HoldfastError, systemCode } from '../core/error.ts';
import { sendable, type ThreadError } from '../core/thread.ts';

/** A small body: its bytes, where they wait for their name, and the hash the client announced. */
export interface SmallBody {
  readonly bytes: Uint8Array;
  readonly temporary: string;
  readonly expected: BlobId | undefined;
}

export type Kept = (BlobRef & { readonly signature: string }) | { readonly failed: ThreadError };

interface Step {
  body: SmallBody;
  id: BlobId;
  descriptor: number | undefined;
  failed: unknown;
}

/**
 * Keeps what is waiting, in the order that survives a power cut: all bytes written, all bytes flushed, all named, then one
 * flush for each folder touched. Doing it together lets the file system share its work between the bodies.
 */
export function keepBodies(bodies: readonly SmallBody[], pathOf: (id: BlobId) => string): Kept[] {
  const steps = bodies.map(hashBody);
  each(steps, write);
  each(steps, flush);
  each(steps, (step) => name(step, pathOf(step.id)));
  const folders = new Map<string, unknown>();
  for (const step of steps) if (step.failed === undefined) folders.set(dirname(pathOf(step.id)), undefined);
  for (const folder of folders.keys())
    folders.set(
      folder,
      failureOf(() => flushFolder(folder)),
    );
  each(steps, (step) => rethrow(folders.get(dirname(pathOf(step.id))))); // named for good from here on
  return steps.map((step) => result(step, pathOf(step.id)));
}

function hashBody(body: SmallBody): Step {
  const id = createHash('sha256').update(body.bytes).digest('hex');
  const matches = body.expected === undefined || body.expected === id;
  return { body, id, descriptor: undefined, failed: matches ? undefined : digestMismatch(id) };
}

export function digestMismatch(id: BlobId): HoldfastError {
  return new HoldfastError(
    'digest-mismatch',
    `The bytes that arrived have the SHA-256 ${id}, not the one that was announced. Nothing was kept; send them again.`,
  );
}

function write(step: Step): void {
  const { bytes, temporary } = step.body;
  step.descriptor = openNew(temporary);
  for (let written = 0; written < bytes.length;) written += writeSync(step.descriptor, bytes, written);
}

export function openNew(temporary: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  try {
    return openSync(temporary, flags, 0o640);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    mkdirSync(dirname(temporary), { recursive: true }); // somebody removed the folder under a running service
    return openSync(temporary, flags, 0o640);
  }
}

function flush(step: Step): void {
  fsyncSync(step.descriptor!);
  closeSync(step.descriptor!);
  step.descriptor = undefined;
}

function name(step: Step, path: string): void {
  renameInto(step.body.temporary, path);
}

export function renameInto(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    flushFolder(dirname(dirname(path)));
    renameSync(temporary, path);
  }
}

export function flushFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** One body that fails must not take the others of its batch with it. */
function each(steps: readonly Step[], work: (step: Step) => void): void {
  for (const step of steps) {
    if (step.failed !== undefined) continue;
    step.failed = failureOf(() => work(step));
    if (step.failed !== undefined) drop(step);
  }
}

function failureOf(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

function rethrow(failure: unknown): void {
  if (failure !== undefined) throw failure as Error;
}

function drop(step: Step): void {
  if (step.descriptor !== undefined) failureOf(() => closeSync(step.descriptor!));
  failureOf(() => unlinkSync(step.body.temporary));
}

function result({ body, id, failed }: Step, path: string): Kept {
  if (failed !== undefined) return { failed: sendable(failed) };
  return { id, sizeBytes: body.bytes.length, signature: signatureOf(statSync(path, { bigint: true })) };
}

/** Changes whenever the bytes of a file may have changed: no write goes by without a new ctime. */
export function signatureOf(stat: { ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }): string {
  return `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}
