import { join } from 'node:path';
import type { Ids } from '../core/clock.ts';
import { makeFolder } from '../core/durable.ts';
import type { WriterId } from '../core/stamp.ts';
import type { Vault } from '../core/vault.ts';
import { createFolderBlobs } from './folder-blobs.ts';
import { createFolderJournal } from './folder-journal.ts';
import { createFolderManifests } from './folder-manifests.ts';
import { createFolderSnapshots } from './folder-snapshots.ts';
import { createFolderTimelines } from './folder-timelines.ts';

export interface FolderVaultParts {
  /** `backups/` */
  readonly dir: string;
  readonly writer: WriterId;
  readonly ids: Ids;
  /** Told of what was found damaged and passed over. */
  readonly onDamage: (what: string) => void;
}

/** The vault on a disk, laid out as docs/FORMAT.md says. */
export async function openFolderVault(parts: FolderVaultParts): Promise<Vault> {
  const { dir } = parts;
  for (const name of ['timelines', 'blobs', 'backups', 'checks', 'incoming'])
    await makeFolder(join(dir, name));
  return {
    name: 'local',
    blobs: createFolderBlobs(parts),
    timelines: createFolderTimelines(parts),
    journal: createFolderJournal(parts),
    snapshots: createFolderSnapshots(parts),
    manifests: createFolderManifests(dir),
  };
}
