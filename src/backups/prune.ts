import type { Gate } from '../core/gate.ts';
import type { Backup, DamagedBackup } from '../core/vault.ts';
import type { CreateParts } from './create.ts';
import { superfluous, type Retention } from './retention.ts';

export interface PruneParts extends CreateParts {
  readonly gate: Gate;
  readonly retention: Retention;
}

export interface Pruned {
  readonly backups: readonly string[];
  readonly blobs: number;
}

const dayMs = 24 * 60 * 60 * 1000;
const blobsAPage = 500;

/** Removes what retention no longer wants, then what only that needed. @throws unavailable */
export async function pruneBackups(parts: PruneParts): Promise<Pruned> {
  const { vault, clock, retention } = parts;
  const all = (await vault.manifests.list()).filter(isSound);
  const candidates = await Promise.all(
    all.map(async (backup) => ({
      backup,
      verified: (await vault.manifests.lastCheck(backup.name))?.ok === true,
    })),
  );
  const removed = superfluous(candidates, retention, clock.nowMs());
  for (const backup of removed) await removeBackup(parts, backup);
  await removeStraySnapshots(parts);
  return { backups: removed.map(({ name }) => name), blobs: await removeBlobs(parts) };
}

export function isSound(backup: Backup | DamagedBackup): backup is Backup {
  return !('damaged' in backup);
}

/** Removes a backup, and its snapshot unless another backup or the timeline needs it. @throws unavailable */
export async function removeBackup(
  { vault }: Pick<CreateParts, 'vault'>,
  { name, snapshot }: Backup,
): Promise<void> {
  await vault.manifests.remove(name);
  const kept = new Set((await vault.manifests.list()).filter(isSound).map(({ snapshot }) => snapshot.path));
  const first = (await vault.timelines.current())?.snapshot?.path;
  if (!kept.has(snapshot.path) && snapshot.path !== first) await vault.snapshots.remove(snapshot.path);
}

/**
 * Snapshots that no backup and no timeline names: a restore that was killed leaves one. Only while nothing makes another.
 * @throws unavailable
 */
export async function removeStraySnapshots({ vault }: Pick<CreateParts, 'vault'>): Promise<void> {
  const backups = await vault.manifests.list();
  if (!backups.every(isSound)) return; // what a damaged one needs cannot be told
  const named = new Set(backups.map(({ snapshot }) => snapshot.path));
  const first = (await vault.timelines.current())?.snapshot?.path;
  for await (const { path } of vault.snapshots.list()) {
    if (!named.has(path) && path !== first) await vault.snapshots.remove(path);
  }
}

/**
 * Blobs that nobody names are kept for as long as a backup may, and a day longer. One look at the catalog and the manifests
 * is enough: a backup names the blob only if it was made before the last media that named it was purged.
 */
async function removeBlobs({ vault, catalog, clock, gate }: PruneParts): Promise<number> {
  const backups = await vault.manifests.list();
  if (backups.some((backup) => !isSound(backup))) return 0; // what that one needs cannot be told
  const oldestMs = Math.min(...backups.filter(isSound).map(({ createdAt }) => Date.parse(createdAt)));
  const beforeMs = Math.min(oldestMs, clock.nowMs() - dayMs);
  let removed = 0;
  for (let afterId = ''; ;) {
    const page = await catalog.blobs.purged(afterId, blobsAPage);
    for (const { id, purgedMs } of page) {
      if (purgedMs >= beforeMs) continue;
      removed += await gate.alone(async () => {
        if ((await catalog.blobs.uses(id)) > 0) return 0; // uploaded again meanwhile
        await vault.blobs.remove(id);
        await catalog.blobs.forget([id]);
        return 1;
      });
    }
    if (page.length < blobsAPage) return removed;
    afterId = page.at(-1)!.id;
  }
}
