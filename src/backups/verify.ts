import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobRef } from '../core/blob.ts';
import { HoldfastError, isHoldfastError } from '../core/error.ts';
import type { Backup, Check } from '../core/vault.ts';
import type { CreateParts } from './create.ts';

/** What was looked at so far. */
export type OnProgress = (done: { readonly blobs: number; readonly of: number }) => void;

/** Named in a check; the rest is counted. */
const mostNamed = 20;

/**
 * Reads everything a backup consists of: the snapshot with every row against the digest, and every byte of every blob. The
 * result is kept beside the backup. @throws unavailable
 */
export async function verifyBackup(
  parts: CreateParts,
  backup: Backup,
  onProgress?: OnProgress,
): Promise<Check> {
  const found = await damageIn(parts, backup, onProgress);
  const check: Check = {
    at: new Date(parts.clock.nowMs()).toISOString(),
    ok: found.length === 0,
    level: 'full',
    found,
  };
  await parts.vault.manifests.putCheck(backup.name, check);
  return check;
}

async function damageIn(parts: CreateParts, backup: Backup, onProgress?: OnProgress): Promise<string[]> {
  const file = join(parts.stagingDir, `verify-${parts.ids.random(12)}.db`);
  try {
    await stageSnapshot(parts, backup, file);
    return await damagedBlobs(parts, backup, file, onProgress);
  } catch (error) {
    if (isHoldfastError(error, 'backup-damaged')) return [error.message];
    throw error;
  } finally {
    await rm(file, { force: true });
  }
}

/**
 * Fetches the snapshot of a backup to `file` and checks it whole.
 * @throws backup-damaged, saying what is; no-space, unavailable
 */
export async function stageSnapshot(parts: CreateParts, backup: Backup, file: string): Promise<void> {
  try {
    await parts.vault.snapshots.fetch(backup.snapshot, file);
    const summary = await parts.catalog.files.check(file, 'rows');
    if (summary.digest !== backup.digest || summary.media !== backup.media) {
      throw new HoldfastError(
        'damaged',
        `The snapshot of ${backup.name} holds another state than its manifest says.`,
      );
    }
  } catch (error) {
    if (!isHoldfastError(error, 'damaged') && !isHoldfastError(error, 'not-found')) throw error;
    throw new HoldfastError('backup-damaged', error.message, {
      cause: error,
      facts: { backup: backup.name },
    });
  }
}

async function damagedBlobs(
  parts: CreateParts,
  backup: Backup,
  file: string,
  onProgress: OnProgress = () => undefined,
): Promise<string[]> {
  const { vault, catalog } = parts;
  const found: string[] = [];
  let blobs = 0;
  for await (const ref of catalog.files.blobs(file, 'in-use')) {
    const wrong = await damageOf(vault.blobs, ref);
    if (wrong !== undefined) found.push(await repair(parts, ref, wrong));
    blobs += 1;
    onProgress({ blobs, of: backup.blobs });
  }
  if (found.length <= mostNamed) return found;
  return [...found.slice(0, mostNamed), `${found.length - mostNamed} more blobs are missing or damaged.`];
}

/** What was found counts, even where it could be mended at once from a sound blob in uploads/. */
async function repair({ shipper }: CreateParts, ref: BlobRef, wrong: string): Promise<string> {
  const what = `The blob ${ref.id} is ${wrong} in the vault`;
  try {
    await shipper.carry(ref);
    return `${what}; it was replaced by the one in uploads/, which is sound.`;
  } catch (error) {
    if (isHoldfastError(error, 'damaged') || isHoldfastError(error, 'not-found'))
      return `${what}, and in uploads/.`;
    throw error;
  }
}

async function damageOf(blobs: CreateParts['vault']['blobs'], ref: BlobRef): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of await blobs.open(ref.id)) hash.update(chunk as Buffer);
  } catch (error) {
    if (isHoldfastError(error, 'not-found')) return 'missing';
    throw error;
  }
  return hash.digest('hex') === ref.id ? undefined : 'damaged';
}
