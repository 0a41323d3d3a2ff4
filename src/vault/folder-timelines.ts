import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createDurably } from '../core/durable.ts';
import { isHoldfastError, storageError } from '../core/error.ts';
import type { Timeline, Timelines } from '../core/vault.ts';
import { readSealed, sealed } from './sealed.ts';

interface Parts {
  readonly dir: string;
  readonly onDamage: (what: string) => void;
}

/** `timelines/<n>.json`, each made once and never changed. */
export function createFolderTimelines({ dir, onDamage }: Parts): Timelines {
  const folder = join(dir, 'timelines');
  return {
    async current() {
      const newest = Math.max(...(await numbers(folder)), -1);
      if (newest < 0) return undefined;
      try {
        return await readSealed<Timeline>(join(folder, `${newest}.json`), `timeline ${newest}`);
      } catch (error) {
        if (!isHoldfastError(error, 'damaged')) throw error;
        onDamage(`timelines/${newest}.json`); // its number is in its name, and that is what counts
        return { number: newest, parent: null, restored: null, snapshot: null, createdAt: '' };
      }
    },
    async begin(next) {
      try {
        return await createDurably(join(folder, `${next.number}.json`), sealed(next));
      } catch (error) {
        throw storageError(error, 'begin a timeline');
      }
    },
  };
}

async function numbers(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw storageError(error, 'read the timelines');
  });
  return names.filter((name) => /^\d+\.json$/.test(name)).map((name) => Number.parseInt(name, 10));
}
