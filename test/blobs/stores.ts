import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import { createHealingBlobs, type HealingParts } from '../../src/blobs/healing.ts';
import { blobFolder, makeBlobFolders } from '../../src/blobs/paths.ts';
import { createIntakePool } from '../../src/blobs/pool.ts';
import { createOpenFiles } from '../../src/blobs/open-files.ts';
import { createSoundBlobs } from '../../src/blobs/sound.ts';
import { createIds } from '../../src/core/clock.ts';
import { createFolderBlobs } from '../../src/vault/folder-blobs.ts';

const ids = createIds(randomBytes);

export async function diskStore(dir: string) {
  const folder = blobFolder(join(dir, 'uploads'));
  await makeBlobFolders(folder);
  const pool = createIntakePool(folder.dir, 1);
  const store = createDiskBlobs({
    folder,
    pool,
    ids,
    sound: createSoundBlobs(100),
    files: createOpenFiles(4),
  });
  return { store, folder, fileOf: (id: string) => folder.pathOf(id), close: () => pool.stop() };
}

export async function vaultStore(dir: string) {
  await mkdir(join(dir, 'incoming'), { recursive: true });
  const store = createFolderBlobs({ dir, ids });
  const fileOf = (id: string) => join(dir, 'blobs', id[0]!, `${id}.local-0`);
  return { store, fileOf, close: () => Promise.resolve() };
}

/** A disk that repairs itself from `copies`, and what it told. */
export async function healingStore(dir: string, copies: HealingParts['copies'] = []) {
  const disk = await diskStore(dir);
  const told = { healed: [] as string[], lost: [] as string[] };
  const store = createHealingBlobs({
    ...{ disk: disk.store, folder: disk.folder, copies, asideDir: join(dir, 'aside') },
    onHealed: (id, from) => void told.healed.push(`${id} ${from}`),
    onLost: (id) => void told.lost.push(id),
  });
  return { ...disk, store, told };
}
