import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createDurably, flushFolder, makeFolder, writeDurably } from '../core/durable.ts';
import { HoldfastError, isHoldfastError, storageError, systemCode } from '../core/error.ts';
import type { Backup, Check, DamagedBackup, Manifests } from '../core/vault.ts';
import { readSealed, sealed } from './sealed.ts';

/** `backups/<name>.json`, and beside them `checks/<name>/<time>.json`. */
export function createFolderManifests(dir: string): Manifests {
  const folder = join(dir, 'backups');
  const checksOf = (name: string) => join(dir, 'checks', name);
  return {
    async put(backup) {
      const made = await guarded('write a backup', () =>
        createDurably(join(folder, `${backup.name}.json`), sealed(backup)),
      );
      if (!made) throw new HoldfastError('conflict', `There is a backup ${backup.name} already.`);
    },
    async list() {
      const names = await guarded('list the backups', () => readdir(folder));
      const backups = names
        .filter((name) => name.endsWith('.json'))
        .map((name) => name.slice(0, -'.json'.length));
      return Promise.all(
        backups
          .sort()
          .reverse()
          .map((name) => readOne(folder, name)),
      );
    },
    async remove(name) {
      await guarded('remove a backup', async () => {
        await rm(join(folder, `${name}.json`), { force: true });
        await rm(checksOf(name), { recursive: true, force: true });
        await flushFolder(folder);
      });
    },
    async putCheck(name, check) {
      await guarded('keep the result of a check', async () => {
        await makeFolder(checksOf(name));
        await writeDurably(join(checksOf(name), `${check.at.replace(/[:.]/g, '-')}.json`), sealed(check));
      });
    },
    async lastCheck(name) {
      const found = await readdir(checksOf(name)).catch((error: unknown) => {
        if (systemCode(error) === 'ENOENT') return [];
        throw storageError(error, 'read the checks of a backup');
      });
      const newest = found
        .filter((file) => file.endsWith('.json'))
        .sort()
        .at(-1);
      if (newest === undefined) return undefined;
      return readSealed<Check>(join(checksOf(name), newest), `the check of ${name}`).catch(() => undefined);
    },
  };
}

async function readOne(folder: string, name: string): Promise<Backup | DamagedBackup> {
  try {
    const backup = await readSealed<Backup>(join(folder, `${name}.json`), `backup ${name}`);
    return backup.name === name ? backup : { name, damaged: `its file says that it is ${backup.name}` };
  } catch (error) {
    if (isHoldfastError(error, 'unavailable')) throw error;
    return { name, damaged: (error as Error).message };
  }
}

async function guarded<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, doing);
  }
}
