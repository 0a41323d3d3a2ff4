import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteCatalog, type SqliteCatalogParts } from '../../src/catalog/sqlite.ts';
import type { Change } from '../../src/core/change.ts';

/** A catalog in a folder of its own, and the changes of each commit it made. */
export async function temporaryCatalog(overrides: Partial<SqliteCatalogParts> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-catalog-'));
  const commits: (readonly Change[])[] = [];
  const catalog = await openSqliteCatalog({
    file: join(dir, 'catalog.db'),
    asideDir: join(dir, 'aside'),
    vaults: ['local'],
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    witness: {
      beforeCommit: async (changes) => void commits.push(changes),
      commitFailed: async () => void commits.pop(),
    },
    ...overrides,
  });
  return {
    ...{ dir, catalog, commits },
    async remove() {
      await catalog.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
