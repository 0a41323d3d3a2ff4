import type { BlobId, BlobRef } from '../core/blob.ts';
import type { Catalog } from '../core/catalog.ts';
import { isHoldfastError } from '../core/error.ts';
import type { Vault } from '../core/vault.ts';

export interface ShipParts {
  readonly catalog: Catalog;
  readonly vault: Vault;
  /** Puts the blob into the vault, its bytes checked; durable on return. @throws not-found, damaged, no-space, unavailable */
  readonly carry: (ref: BlobRef) => Promise<void>;
  readonly onCarried: (ref: BlobRef) => void;
  /** Told of a blob that cannot be copied, as its own bytes are missing or damaged. */
  readonly onUnshippable: (ref: BlobRef, error: Error) => void;
}

interface Shipped {
  /** Written to the vault. */
  readonly bytes: number;
  /** What could not be shipped. */
  readonly stuck: readonly BlobId[];
}

const batchSize = 64;
const inParallel = 4;

/**
 * Copies into the vault every blob it had not got when this was called, each once. A blob whose bytes are damaged or gone stays in the outbox and
 * is reported; it must not keep the others out. @throws no-space, unavailable
 */
export async function shipBlobs(parts: ShipParts, signal?: AbortSignal): Promise<Shipped> {
  const { catalog, vault } = parts;
  let bytes = 0;
  const stuck = new Set<string>();
  // uploads may come as fast as copies are made: what comes from now on is for the next time
  let left = (await catalog.blobs.pending(vault.name, Number.MAX_SAFE_INTEGER)).blobs;
  while (left > 0) {
    signal?.throwIfAborted();
    const first = await catalog.blobs.unshipped(vault.name, Math.min(batchSize, left) + stuck.size);
    const batch = first.filter(({ id }) => !stuck.has(id));
    if (batch.length === 0) break;
    left -= batch.length;
    const done = await shipBatch(parts, batch, stuck);
    await catalog.blobs.shipped(
      vault.name,
      done.map(({ ref }) => ref.id),
    );
    for (const { ref, wrote } of done) if (wrote) bytes += ref.sizeBytes;
  }
  return { bytes, stuck: [...stuck] };
}

async function shipBatch(parts: ShipParts, batch: readonly BlobRef[], stuck: Set<string>) {
  const done: { ref: BlobRef; wrote: boolean }[] = [];
  const queue = [...batch];
  const lane = async () => {
    for (let ref = queue.shift(); ref !== undefined; ref = queue.shift()) {
      const wrote = await shipOne(parts, ref, stuck);
      if (wrote !== undefined) done.push({ ref, wrote });
    }
  };
  await Promise.all(Array.from({ length: inParallel }, lane));
  return done;
}

/** Whether it had to be written; undefined: it cannot be shipped now. */
async function shipOne(parts: ShipParts, ref: BlobRef, stuck: Set<string>): Promise<boolean | undefined> {
  if ((await parts.vault.blobs.size(ref.id)) === ref.sizeBytes) return false;
  try {
    await parts.carry(ref);
    parts.onCarried(ref);
    return true;
  } catch (error) {
    if (!isHoldfastError(error, 'damaged') && !isHoldfastError(error, 'not-found')) throw error;
    // purged since it was read: there is nothing to copy and nothing is wrong
    if ((await parts.catalog.blobs.uses(ref.id)) === 0) return false;
    stuck.add(ref.id);
    parts.onUnshippable(ref, error);
    return undefined;
  }
}
