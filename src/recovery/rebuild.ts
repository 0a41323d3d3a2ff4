import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobId, BlobRef, BlobStore } from '../core/blob.ts';
import type { CatalogFiles } from '../core/catalog.ts';
import type { Change } from '../core/change.ts';
import type { Clock } from '../core/clock.ts';
import { isHoldfastError } from '../core/error.ts';
import { mediaChange, type BlobFacts, type MediaWithFacts } from '../core/media.ts';
import { factsFor } from './facts.ts';
import type { StampClock } from '../core/stamp.ts';
import type { SnapshotRef, Vault } from '../core/vault.ts';
import type { Step } from './plan.ts';

export interface RebuildParts {
  readonly files: CatalogFiles;
  readonly vault: Vault;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly stamps: StampClock;
  readonly stagingDir: string;
  /** What the bytes in uploads/ say of themselves; undefined: they are not there. */
  readonly factsOf: (ref: BlobRef) => Promise<BlobFacts | undefined>;
  /** A media for bytes that have no row: what can be told from the bytes alone; undefined: not a picture or video. */
  readonly salvage: (ref: BlobRef) => Promise<MediaWithFacts | undefined>;
  readonly onNews: (news: string) => void;
}

const changesAtOnce = 2000;

/**
 * Builds the catalog anew: the newest sound snapshot, every change of the journal, then what only uploads/ has; and puts it
 * in place. What was there is set aside. Safe to repeat: it begins with an empty file each time.
 */
export async function rebuildCatalog(parts: RebuildParts, step: Step & { do: 'rebuild' }): Promise<void> {
  const { files, stagingDir, onNews } = parts;
  const staged = join(stagingDir, 'rebuild.db');
  await removeStaged(staged);
  await stageNewestSound(parts, step.snapshots, staged);
  const replayed = await applyJournal(parts, staged, step.timeline);
  const salvaged = step.salvage ? await salvageBlobs(parts, staged) : 0;
  const summary = await files.succeed(staged, {
    timeline: step.timeline,
    vaults: [],
    follows: false,
    atMs: parts.clock.nowMs(),
    stamp: parts.stamps.next(),
  });
  await files.replace(staged); // committed: the rebuilt catalog is the one that counts
  onNews(
    `rebuilt the catalog: ${summary.media} media, ${replayed} changes from the journal, ${salvaged} salvaged`,
  );
}

async function removeStaged(staged: string): Promise<void> {
  for (const part of [staged, `${staged}-journal`, `${staged}-wal`, `${staged}-shm`])
    await rm(part, { force: true });
}

/** An unsound snapshot is passed over for the one before; the journal reaches back further than the newest. */
async function stageNewestSound(
  parts: RebuildParts,
  snapshots: readonly SnapshotRef[],
  staged: string,
): Promise<void> {
  for (const snapshot of snapshots) {
    try {
      await parts.vault.snapshots.fetch(snapshot, staged);
      await parts.files.check(staged, 'rows');
      return;
    } catch (error) {
      if (!isHoldfastError(error, 'damaged') && !isHoldfastError(error, 'not-found')) throw error;
      parts.onNews(`passed over a snapshot: ${error.message}`);
      await removeStaged(staged);
    }
  }
  await parts.files.apply(staged, { changes: [] }); // an empty catalog to begin with
}

async function applyJournal(
  { files, vault, factsOf }: RebuildParts,
  staged: string,
  timeline: number,
): Promise<number> {
  let changes: Change[] = [];
  let applied = 0;
  for await (const segment of vault.journal.segments(timeline)) {
    changes.push(...segment.changes);
    if (changes.length < changesAtOnce) continue;
    await files.apply(staged, { changes, facts: await factsFor(changes, factsOf) });
    applied += changes.length;
    changes = [];
  }
  await files.apply(staged, { changes, facts: await factsFor(changes, factsOf) });
  return applied + changes.length;
}

/** Blobs that no row names, purged ones left out: uploads whose rows are gone. */
async function salvageBlobs(parts: RebuildParts, staged: string): Promise<number> {
  const known = new Set<BlobId>();
  for await (const { id } of parts.files.blobs(staged, 'all')) known.add(id);
  let salvaged = 0;
  for await (const ref of parts.blobs.list()) {
    if (known.has(ref.id)) continue;
    const media = await parts.salvage(ref);
    if (media === undefined) continue;
    const facts = { id: ref.id, sizeBytes: ref.sizeBytes, facts: media.facts };
    await parts.files.apply(staged, { changes: [mediaChange(media)], facts: [facts] });
    salvaged += 1;
  }
  return salvaged;
}
