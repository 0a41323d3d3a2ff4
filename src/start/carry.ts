import { link, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobFolder } from '../blobs/paths.ts';
import type { IntakePool } from '../blobs/pool.ts';
import type { BlobRef } from '../core/blob.ts';
import type { Ids } from '../core/clock.ts';
import { HoldfastError, storageError, systemCode } from '../core/error.ts';
import { isHoldfastError } from '../core/error.ts';
import type { Vault } from '../core/vault.ts';

interface Parts {
  readonly folder: BlobFolder;
  readonly pool: IntakePool;
  readonly vault: Vault;
  /** On the file system of the vault. */
  readonly incomingDir: string;
  readonly ids: Ids;
  readonly how: 'copy' | 'link';
}

/** Carries a blob from uploads/ into the vault on the same machine: a checked copy, or a hard link where that was asked for. */
export function carrier({ folder, pool, vault, incomingDir, ids, how }: Parts) {
  return async function carry(ref: BlobRef): Promise<void> {
    const temporary = join(incomingDir, ids.random(20));
    try {
      if (how === 'link') await link(folder.pathOf(ref.id), temporary);
      else await pool.idlest().call('copy', { ref, temporary });
      await vault.blobs.adopt(ref, temporary);
    } catch (error) {
      await rm(temporary, { force: true });
      throw carryFailure(error, ref);
    }
  };
}

function carryFailure(error: unknown, { id }: BlobRef): Error {
  if (isHoldfastError(error)) return error;
  if (systemCode(error) === 'ENOENT') {
    return new HoldfastError('not-found', `The bytes of ${id} are not on this disk.`, { cause: error });
  }
  return storageError(error, 'copy a blob into the vault');
}
