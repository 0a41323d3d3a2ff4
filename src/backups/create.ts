import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Ids } from '../core/clock.ts';
import type { Backup, BackupReason, JournalMark, SnapshotRef } from '../core/vault.ts';
import type { CatalogSummary } from '../core/catalog.ts';
import { storageError } from '../core/error.ts';
import { backupName } from './names.ts';
import type { Shipper } from './shipper.ts';
import type { Vault } from '../core/vault.ts';
import type { Catalog } from '../core/catalog.ts';

export interface CreateParts {
  readonly catalog: Catalog;
  readonly vault: Vault;
  readonly shipper: Shipper;
  readonly clock: Clock;
  readonly ids: Ids;
  /** A folder for files that a crash may leave behind. */
  readonly stagingDir: string;
}

export interface Created {
  readonly backup: Backup;
  /** What the journal had received before the snapshot was cut. */
  readonly mark: JournalMark;
}

/**
 * Makes a backup: copies what the vault lacks, cuts a snapshot, checks it against its digest, and writes the manifest last.
 * Uploads go on meanwhile. A crash or a failure leaves no backup and nothing that later ones would trip over.
 * @throws no-space, damaged (the running catalog does not add up), unavailable
 */
export async function createBackup(
  parts: CreateParts,
  reason: BackupReason,
  onCut: () => void,
): Promise<Created> {
  const { vault, clock } = parts;
  await parts.shipper.ship();
  const mark = await vault.journal.rotate();
  onCut();
  const { snapshot, summary } = await cutSnapshot(parts);
  // what the snapshot names and was uploaded since the first round
  const stuck = await parts.shipper.ship();
  const createdMs = clock.nowMs();
  const backup: Backup = {
    format: 1,
    name: await freeName(parts, createdMs),
    createdAt: new Date(createdMs).toISOString(),
    reason,
    timeline: summary.timeline,
    snapshot,
    media: summary.media,
    uploads: summary.uploads,
    blobs: summary.blobs,
    bytes: summary.bytes,
    newBytes: parts.shipper.takeBytes() + snapshot.sizeBytes,
    catalogEngine: 'sqlite',
    schema: summary.schema,
    digest: summary.digest,
    stamp: summary.stamp,
  };
  try {
    await vault.manifests.put(backup); // committed: the backup exists
  } catch (error) {
    await vault.snapshots.remove(snapshot.path);
    throw error;
  }
  const found = stuck.map((id) => `The blob ${id} is missing or damaged in uploads/ and not in the vault.`);
  await vault.manifests.putCheck(backup.name, {
    at: backup.createdAt,
    ok: found.length === 0,
    level: 'made',
    found,
  });
  return { backup, mark };
}

/** A snapshot of the running catalog, read whole and found to add up before it is stored. */
export async function cutSnapshot(
  parts: CreateParts,
): Promise<{ snapshot: SnapshotRef; summary: CatalogSummary }> {
  const file = join(parts.stagingDir, `snapshot-${parts.ids.random(12)}.db`);
  try {
    await parts.catalog.files.copyTo(file);
    const summary = await parts.catalog.files.check(file, 'rows');
    return { snapshot: await parts.vault.snapshots.put(summary.timeline, file), summary };
  } catch (error) {
    throw storageError(error, 'cut a snapshot');
  } finally {
    await rm(file, { force: true });
  }
}

/** Two backups of one millisecond must not share a name. */
async function freeName({ vault }: CreateParts, atMs: number): Promise<string> {
  const taken = new Set((await vault.manifests.list()).map(({ name }) => name));
  let ms = atMs;
  while (taken.has(backupName(ms))) ms += 1;
  return backupName(ms);
}
