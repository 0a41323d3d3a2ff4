import { stat } from 'node:fs/promises';
import type { BlobStore } from '../core/blob.ts';
import type { CatalogFiles } from '../core/catalog.ts';
import { isHoldfastError, systemCode } from '../core/error.ts';
import type { Backup, SnapshotRef, Timeline, Vault } from '../core/vault.ts';
import type { Found } from './plan.ts';

interface Parts {
  /** Path of the catalog, which nobody has open. */
  readonly catalogFile: string;
  readonly files: CatalogFiles;
  readonly vault: Vault;
  readonly blobs: BlobStore;
  readonly newestSchema: number;
}

/** Above this size the rows are left to the next backup, which reads them all; the pages are always looked at. */
const readRowsUpToBytes = 128 * 1024 * 1024;

/** What there is at boot; touches nothing. @throws unavailable, internal (the catalog is of a newer version) */
export async function look({ catalogFile, files, vault, blobs, newestSchema }: Parts): Promise<Found> {
  const timeline = await vault.timelines.current();
  return {
    catalog: await lookAtCatalog(catalogFile, files),
    vault: {
      timeline,
      stamp: timeline === undefined ? '' : await newestStamp(vault, timeline.number),
      snapshots: timeline === undefined ? [] : await snapshotsOf(vault, timeline),
      journal: timeline !== undefined && (await hasAny(vault.journal.segments(timeline.number))),
    },
    blobs: await hasAny(blobs.list()),
    newestSchema,
  };
}

async function lookAtCatalog(file: string, files: CatalogFiles): Promise<Found['catalog']> {
  const size = await sizeOf(file);
  if (size === 0) return { state: 'missing' };
  try {
    const { timeline, schema, stamp } = await files.check(file, size <= readRowsUpToBytes ? 'rows' : 'pages');
    return { state: 'sound', timeline, schema, stamp };
  } catch (error) {
    if (isHoldfastError(error, 'damaged')) return { state: 'damaged', why: error.message };
    throw error;
  }
}

/** Zero for a file that is not there: neither holds a row. */
async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

async function snapshotsOf(vault: Vault, timeline: Timeline): Promise<SnapshotRef[]> {
  const sound = (await vault.manifests.list()).filter((one): one is Backup => !('damaged' in one));
  const own = sound.filter((backup) => backup.timeline === timeline.number).map(({ snapshot }) => snapshot);
  const origin = sound.find(({ name }) => name === timeline.restored)?.snapshot;
  return [...own, timeline.snapshot, origin].filter((one) => one !== null && one !== undefined);
}

/** How far the backups of a timeline have got. */
async function newestStamp(vault: Vault, timeline: number): Promise<string> {
  const sound = (await vault.manifests.list()).filter((one): one is Backup => !('damaged' in one));
  return sound.reduce(
    (stamp, one) => (one.timeline === timeline && one.stamp > stamp ? one.stamp : stamp),
    '',
  );
}

async function hasAny(all: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _one of all) return true;
  return false;
}
