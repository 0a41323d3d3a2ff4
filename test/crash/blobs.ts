import { open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { send } from '../support/api.ts';
import { until } from '../support/until.ts';
import { makeBackup } from './backups.ts';
import { loseCatalog } from './catalogs.ts';
import type { Scene } from './scene.ts';

/** What may happen to the bytes. Each says in words what it did. */

export async function loseUploads({ dataDir }: Scene): Promise<string> {
  await rm(join(dataDir, 'uploads'), { recursive: true });
  return 'uploads/ removed';
}

export async function loseAllButBackups(scene: Scene): Promise<string> {
  await loseCatalog(scene);
  for (const name of ['uploads', '.holdfast', 'aside'])
    await rm(join(scene.dataDir, name), { recursive: true, force: true });
  return 'all but backups/ removed';
}

/** Overwrites some blobs in place, as a failing disk would. Returns their hashes. */
export async function damageBlobs({ dataDir, random, witness }: Scene): Promise<string[]> {
  const blobs = random.shuffled(witness.blobs()).slice(0, 5);
  for (const blob of blobs) await damage(join(dataDir, 'uploads', blob[0]!, blob), random);
  return blobs;
}

async function damage(file: string, random: Scene['random']): Promise<void> {
  const { size } = await stat(file);
  const kind = random.pick(['one byte', 'all', 'shorter', 'empty', 'longer'] as const);
  if (kind === 'all') await writeFile(file, Buffer.alloc(size, 'garbage '));
  else if (kind === 'shorter') await truncate(file, random.between(1, size));
  else if (kind === 'empty') await truncate(file, 0);
  else if (kind === 'longer') await writeFile(file, 'more', { flag: 'a' });
  else await flipOneBit(file, random.between(0, size));
}

async function flipOneBit(file: string, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    await handle.write(Buffer.of(byte[0]! ^ 1), 0, 1, at);
  } finally {
    await handle.close();
  }
}

/** Waits until backups/ has every blob: from then on uploads/ may be lost. */
export async function untilShipped(scene: Scene): Promise<void> {
  await makeBackup(scene);
  const { url } = scene.service;
  const isShipped = async () => (await send(url, 'GET', '/api/health')).body.vaults[0].pendingChanges === 0;
  await until('no pending changes', isShipped, 20_000);
}
