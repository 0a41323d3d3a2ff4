import { cp, mkdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { filesIn } from '../support/folder.ts';
import type { Scene } from './scene.ts';

/** What may happen to the catalog of a dead service. Each says in words what it did. */

const parts = ['catalog.db', 'catalog.db-wal', 'catalog.db-shm'];

export async function loseCatalog({ dataDir }: Scene): Promise<string> {
  for (const part of parts) await rm(join(dataDir, part), { force: true });
  return 'catalog.db* removed';
}

/** The newest snapshot does not read as it was written: the one before and the journal must do. */
export async function loseCatalogAndSnapshot(scene: Scene): Promise<string> {
  const vault = join(scene.dataDir, 'backups');
  const newest = (await filesIn(join(vault, 'backups'))).at(-1)!;
  const { name, snapshot } = JSON.parse(await readFile(join(vault, 'backups', newest), 'utf8')) as Manifest;
  scene.backups.delete(name);
  scene.spoilt.add(name);
  await truncate(join(vault, snapshot.path), scene.random.between(0, snapshot.sizeBytes));
  return `${await loseCatalog(scene)}, the newest snapshot cut short`;
}

interface Manifest {
  readonly name: string;
  readonly snapshot: { readonly path: string; readonly sizeBytes: number };
}

export async function cutCatalog({ dataDir, random }: Scene): Promise<string> {
  const file = join(dataDir, 'catalog.db');
  const { size } = await stat(file);
  const left = Math.max(0, random.pick([0, 50, 4096, random.between(0, size), size - 4096]));
  await truncate(file, left);
  const done = `catalog.db cut from ${size} to ${left} bytes`;
  if (random.next() < 0.5) return done;
  await rm(join(dataDir, 'catalog.db-wal'), { force: true });
  return `${done}, its WAL removed`;
}

/** Puts a copy by, for a round that puts it back. */
export async function keepCatalog({ dir, dataDir, oldCatalogs }: Scene): Promise<void> {
  const copy = join(dir, `catalog-${oldCatalogs.length}`);
  await mkdir(copy);
  for (const part of parts) await copyIfThere(join(dataDir, part), join(copy, part));
  oldCatalogs.push(copy);
}

export async function putOldCatalogBack({ dataDir, oldCatalogs, random }: Scene): Promise<string> {
  const age = random.between(1, oldCatalogs.length + 1);
  const keepsNewWal = random.next() < 0.3;
  for (const part of keepsNewWal ? ['catalog.db'] : parts) {
    await rm(join(dataDir, part), { force: true });
    await copyIfThere(join(oldCatalogs.at(-age)!, part), join(dataDir, part));
  }
  return `the catalog of ${age} kills ago put back${keepsNewWal ? ' beside the newest WAL' : ''}`;
}

/** A catalog that was lost has no file, and one that was closed no WAL. */
async function copyIfThere(from: string, to: string): Promise<void> {
  await cp(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
