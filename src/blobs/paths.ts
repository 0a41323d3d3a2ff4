import { join } from 'node:path';
import type { BlobId } from '../core/blob.ts';
import { makeFolder } from '../core/durable.ts';

/** How blobs lie in a folder: one folder for each first digit, as few folders mean few flushes. */
export interface BlobFolder {
  readonly dir: string;
  /** Where bytes wait for their name. */
  readonly incoming: string;
  pathOf(id: BlobId): string;
}

const firstDigits = [...'0123456789abcdef'];

export function blobFolder(dir: string): BlobFolder {
  return {
    dir,
    incoming: join(dir, 'incoming'),
    pathOf: (id) => join(dir, id[0]!, id),
  };
}

/** Makes the folders that are not there. Safe to repeat. */
export async function makeBlobFolders({ dir, incoming }: BlobFolder): Promise<void> {
  await makeFolder(incoming);
  for (const digit of firstDigits) await makeFolder(join(dir, digit));
}
