import type { BlobId, BlobStore, CollectBlobs } from '../core/blob.ts';
import type { Catalog } from '../core/catalog.ts';
import type { Gate } from '../core/gate.ts';

interface Parts {
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly gate: Gate;
  /** Drops what was made from the blob. */
  readonly forgetVariants: (id: BlobId) => Promise<void>;
}

/**
 * Removes blobs that no media names. Uploads of the same bytes are kept out meanwhile: one that came between the look and
 * the removal would lose what it was just told is safe.
 */
export function createCollector({ catalog, blobs, gate, forgetVariants }: Parts): CollectBlobs {
  return (ids) =>
    gate.alone(async () => {
      for (const id of new Set(ids)) {
        if ((await catalog.blobs.uses(id)) > 0) continue;
        await blobs.remove(id);
        await forgetVariants(id);
      }
    });
}
