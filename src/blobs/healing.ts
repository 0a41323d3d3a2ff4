import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobId, BlobStore } from '../core/blob.ts';
import { HoldfastError, isHoldfastError } from '../core/error.ts';
import type { BlobFolder } from './paths.ts';

export interface HealingParts {
  readonly disk: BlobStore;
  readonly folder: BlobFolder;
  /** Where second copies may be found, nearest first. */
  readonly copies: readonly { readonly name: string; readonly blobs: BlobStore }[];
  /** Where a damaged file is set aside before a good one takes its name. */
  readonly asideDir: string;
  readonly onHealed: (id: BlobId, from: string) => void;
  readonly onLost: (id: BlobId, error: HoldfastError) => void;
}

/** A store that repairs itself: a blob that is missing or damaged is fetched from a vault, checked, and then served. */
export function createHealingBlobs(parts: HealingParts): BlobStore {
  const healing = new Map<BlobId, Promise<void>>();

  /** Many may ask for the same blob; it is fetched once. */
  function healOnce(id: BlobId, cause: HoldfastError): Promise<void> {
    const running = healing.get(id) ?? heal(parts, id, cause).finally(() => healing.delete(id));
    healing.set(id, running);
    return running;
  }

  async function healed<T>(id: BlobId, open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      if (!isHoldfastError(error, 'not-found') && !isHoldfastError(error, 'damaged')) throw error;
      await healOnce(id, error);
      return open();
    }
  }

  return {
    ...parts.disk,
    open: (id, range) => healed(id, () => parts.disk.open(id, range)),
    reader: (id) => healed(id, () => parts.disk.reader(id)),
  };
}

async function heal(parts: HealingParts, id: BlobId, cause: HoldfastError): Promise<void> {
  for (const { name, blobs } of parts.copies) {
    const sizeBytes = await blobs.size(id);
    if (sizeBytes === undefined) continue;
    try {
      const copy = await blobs.open(id);
      if (cause.code === 'damaged') await setAside(parts, id);
      await parts.disk.put({ id, sizeBytes }, copy);
      parts.onHealed(id, name);
      return;
    } catch (error) {
      if (!isHoldfastError(error, 'damaged') && !isHoldfastError(error, 'not-found')) throw error;
      // that copy is no better: the next vault may have a good one
    }
  }
  const lost = new HoldfastError(
    'damaged',
    'The stored bytes of this media are damaged or missing and no vault has a good copy. Restore them from a backup.',
    { cause, facts: { blob: id } },
  );
  parts.onLost(id, lost);
  throw lost;
}

async function setAside({ folder, asideDir }: HealingParts, id: BlobId): Promise<void> {
  const dir = join(asideDir, 'blobs');
  await mkdir(dir, { recursive: true });
  await rename(folder.pathOf(id), join(dir, `${id}.damaged`));
}
