import type { BlobId, BlobRef, BlobStore, CollectBlobs } from '../core/blob.ts';
import type { Catalog } from '../core/catalog.ts';
import { isHoldfastError } from '../core/error.ts';

export interface SweepParts {
  readonly catalog: Catalog;
  /** uploads/ as it is. */
  readonly disk: BlobStore;
  /** The same, repaired from the vaults when something is opened. */
  readonly healing: BlobStore;
  readonly collect: CollectBlobs;
  readonly onNews: (news: string) => void;
}

export interface Swept {
  readonly orphans: number;
  readonly healed: number;
  readonly lost: number;
}

/** A crash leaves a few blobs without a row. Many of them mean that the rows are missing, and then nothing is removed. */
const mostOrphans = 100;
const blobsAPage = 500;

/**
 * Makes uploads/ and the catalog agree: blobs whose upload was never acknowledged go, blobs that are missing come back from
 * the vaults. Runs beside uploads; safe to repeat. @throws unavailable, no-space
 */
export async function sweep(parts: SweepParts, signal: AbortSignal): Promise<Swept> {
  const orphans = await removeOrphans(parts, signal);
  return { orphans, ...(await healMissing(parts, signal)) };
}

async function removeOrphans(
  { catalog, disk, collect, onNews }: SweepParts,
  signal: AbortSignal,
): Promise<number> {
  const orphans: BlobId[] = [];
  let blobs = 0;
  for await (const { id } of disk.list()) {
    signal.throwIfAborted();
    blobs += 1;
    if ((await catalog.blobs.uses(id)) === 0) orphans.push(id);
  }
  if (orphans.length > mostOrphans && orphans.length > blobs / 10) {
    onNews(
      `${orphans.length} blobs in uploads/ have no row in the catalog; they were left alone. Look into it.`,
    );
    return 0;
  }
  for (const id of orphans) await collect([id]); // looks again, as an upload of the same bytes may have come
  return orphans.length;
}

async function healMissing({ catalog, disk, healing }: SweepParts, signal: AbortSignal) {
  let [healed, lost] = [0, 0];
  for (let afterId = ''; ;) {
    const page: BlobRef[] = await catalog.blobs.inUse(afterId, blobsAPage);
    for (const ref of page) {
      signal.throwIfAborted();
      if ((await disk.size(ref.id)) === ref.sizeBytes) continue;
      if (await heal(healing, ref.id)) healed += 1;
      else if ((await catalog.blobs.uses(ref.id)) > 0) lost += 1;
    }
    if (page.length < blobsAPage) return { healed, lost };
    afterId = page.at(-1)!.id;
  }
}

/** Opening it repairs it. */
async function heal(healing: BlobStore, id: BlobId): Promise<boolean> {
  try {
    (await healing.open(id)).destroy();
    return true;
  } catch (error) {
    if (isHoldfastError(error, 'damaged')) return false;
    throw error;
  }
}
