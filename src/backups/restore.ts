import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobRef, BlobStore } from '../core/blob.ts';
import type { CatalogSummary, Succession } from '../core/catalog.ts';
import { HoldfastError, isHoldfastError } from '../core/error.ts';
import type { Gate } from '../core/gate.ts';
import type { StampClock } from '../core/stamp.ts';
import type { Backup } from '../core/vault.ts';
import { createBackup, type CreateParts } from './create.ts';
import { requireBackupName } from './names.ts';
import { stageSnapshot } from './verify.ts';

export interface RestoreParts extends CreateParts {
  readonly gate: Gate;
  readonly stamps: StampClock;
  /** Where the bytes are served from. */
  readonly blobs: BlobStore;
  /** Told, before anything is served again, that rows now belong to that timeline. */
  readonly onTimeline: (timeline: number) => Promise<void>;
  /** Called before each step that changes something; a test kills the process there. */
  readonly onStep: (step: RestoreStep) => void | Promise<void>;
}

export type RestoreStep = 'safety-backup' | 'first-snapshot' | 'begin-timeline' | 'replace-catalog' | 'done';

export interface RestoreOptions {
  /** Checks everything and changes nothing. */
  readonly dryRun: boolean;
}

export interface Restored {
  readonly restored: string;
  readonly media: number;
  /** Blobs that are not on this disk; they come back from the vault in the background, or when they are asked for. */
  readonly missingBlobs: number;
  /** The backup of what was there before: restoring it is the undo. Null in a dry run, and when that state was damaged. */
  readonly previous: string | null;
}

/**
 * Puts the state of a backup in the place of today's. All or nothing: a process that dies before the new timeline is begun
 * shows the old state, one that dies after it the new.
 * @throws not-found, backup-damaged (nothing was changed), no-space, unavailable
 */
export async function restoreBackup(
  parts: RestoreParts,
  name: string,
  options: RestoreOptions,
): Promise<Restored> {
  const backup = await findBackup(parts, name);
  const staged = join(parts.stagingDir, `restore-${parts.ids.random(12)}.db`);
  try {
    await stageSnapshot(parts, backup, staged);
    const missingBlobs = await requireBlobs(parts, staged, backup);
    const found = { restored: backup.name, media: backup.media, missingBlobs };
    if (options.dryRun) return { ...found, previous: null };
    const previous = await parts.gate.closed('A backup is being restored. Send it again shortly.', () =>
      switchOver(parts, backup, staged),
    );
    return { ...found, previous };
  } finally {
    await rm(staged, { force: true });
  }
}

/** `latest`, or a name. @throws not-found, backup-damaged */
export async function findBackup({ vault }: Pick<CreateParts, 'vault'>, name: string): Promise<Backup> {
  const wanted = name === 'latest' ? undefined : requireBackupName(name);
  const all = await vault.manifests.list();
  const found = wanted === undefined ? all[0] : all.find((backup) => backup.name === wanted);
  if (found === undefined) {
    throw new HoldfastError('not-found', 'There is no such backup. GET /api/backups lists those there are.');
  }
  if (!('damaged' in found)) return found;
  throw new HoldfastError(
    'backup-damaged',
    `${found.damaged} Nothing was changed; restore an earlier backup.`,
    {
      facts: { backup: found.name },
    },
  );
}

/** Every blob must be on this disk, or sound in the vault. Returns how many have to come from there. */
async function requireBlobs(parts: RestoreParts, staged: string, backup: Backup): Promise<number> {
  let missing = 0;
  const lost: string[] = [];
  for await (const ref of parts.catalog.files.blobs(staged, 'in-use')) {
    if ((await parts.blobs.size(ref.id)) === ref.sizeBytes) continue;
    missing += 1;
    if (!(await isSoundCopy(parts.vault.blobs, ref))) lost.push(ref.id);
  }
  if (lost.length === 0) return missing;
  throw new HoldfastError(
    'backup-damaged',
    `${lost.length} blobs of ${backup.name} are missing or damaged, the first is ${lost[0]}. Nothing was changed; restore an earlier backup.`,
    { facts: { backup: backup.name, damagedBlobs: lost.slice(0, 20) } },
  );
}

async function isSoundCopy(copies: BlobStore, ref: BlobRef): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of await copies.open(ref.id)) hash.update(chunk as Buffer);
  } catch (error) {
    if (isHoldfastError(error, 'not-found') || isHoldfastError(error, 'damaged')) return false;
    throw error;
  }
  return hash.digest('hex') === ref.id;
}

/** Nobody writes while this runs. */
async function switchOver(parts: RestoreParts, backup: Backup, staged: string): Promise<string | null> {
  const { vault, catalog, clock, onStep } = parts;
  await onStep('safety-backup');
  const previous = await safetyBackup(parts);
  const current = await vault.timelines.current();
  const number = Math.max(current?.number ?? 0, backup.timeline) + 1;
  await succeed(parts, staged, number);
  await onStep('first-snapshot');
  const snapshot = await vault.snapshots.put(number, staged);
  const createdAt = new Date(clock.nowMs()).toISOString();
  await onStep('begin-timeline');
  const begun = await vault.timelines.begin({
    number,
    parent: current?.number ?? null,
    restored: backup.name,
    snapshot,
    createdAt,
  }); // committed: from here on the restored state is the one that counts
  if (!begun)
    throw new HoldfastError(
      'conflict',
      'Another restore was first. Look at what it brought back, then decide.',
    );
  await onStep('replace-catalog');
  await catalog.files.replace(staged);
  await parts.onTimeline(number);
  await onStep('done');
  return previous;
}

function succeed(
  { catalog, vault, clock, stamps }: RestoreParts,
  staged: string,
  timeline: number,
): Promise<CatalogSummary> {
  const succession: Succession = {
    timeline,
    vaults: [vault.name],
    follows: true,
    atMs: clock.nowMs(),
    stamp: stamps.next(),
  };
  return catalog.files.succeed(staged, succession);
}

/** A state so damaged that it cannot be backed up must not stand in the way of a good one: its file is set aside. */
async function safetyBackup(parts: RestoreParts): Promise<string | null> {
  try {
    return (await createBackup(parts, 'before-restore', () => undefined)).backup.name;
  } catch (error) {
    if (isHoldfastError(error, 'damaged')) return null;
    throw error;
  }
}
