import type { BlobRef } from '../core/blob.ts';
import type { Change } from '../core/change.ts';
import { mediaOf, type BlobFacts } from '../core/media.ts';

/** What is found in the bytes is not in the journal, as it can be found again: here it is. */
export async function factsFor(
  changes: readonly Change[],
  factsOf: (ref: BlobRef) => Promise<BlobFacts | undefined>,
): Promise<(BlobRef & { facts: BlobFacts })[]> {
  const refs = new Map<string, BlobRef>();
  for (const { table, id, stamp, row } of changes) {
    if (table !== 'media' || row === null || row['state'] === 'purged') continue;
    const { blob, sizeBytes } = mediaOf({ table, id, stamp, row });
    refs.set(blob, { id: blob, sizeBytes });
  }
  const found = [];
  for (const ref of refs.values()) {
    const facts = await factsOf(ref);
    if (facts !== undefined) found.push({ ...ref, facts });
  }
  return found;
}
