import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createCatalogFiles, setAside, startFilesThread, type FilesThread } from '../../src/catalog/files.ts';
import { openSqliteCatalog } from '../../src/catalog/sqlite.ts';
import type { CatalogFiles, CatalogSummary } from '../../src/core/catalog.ts';
import { mediaChange } from '../../src/core/media.ts';
import { stampClock } from '../../src/core/stamp.ts';
import type { SnapshotRef } from '../../src/core/vault.ts';
import { applyAfterOpen, applyBeforeOpen, type BeforeOpenParts } from '../../src/recovery/apply.ts';
import type { Plan, Step } from '../../src/recovery/plan.ts';
import { sweep } from '../../src/recovery/sweep.ts';
import { refOf } from '../blobs/contract.ts';
import { diskStore } from '../blobs/stores.ts';
import { mediaAt, stampAt } from '../catalog/rows.ts';
import { temporaryVault } from '../vault/temporary.ts';

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
let temporary: Awaited<ReturnType<typeof temporaryVault>>;
let disk: Awaited<ReturnType<typeof diskStore>>;
let thread: FilesThread;
let files: CatalogFiles;
let file: string;
let news: string[];

beforeEach(async () => {
  temporary = await temporaryVault();
  file = join(temporary.dir, 'catalog.db');
  disk = await diskStore(join(temporary.dir, 'data'));
  await mkdir(join(temporary.dir, 'staging'));
  thread = startFilesThread();
  const aside = { file, asideDir: join(temporary.dir, 'aside'), clock };
  files = createCatalogFiles(thread, file, ['local'], (staged) => setAside(aside, staged));
  news = [];
});
afterEach(async () => {
  await temporary.vault.journal.rotate();
  await thread.stop();
  await disk.close();
  await temporary.remove();
});

const planOf = (...steps: Step[]): Plan => ({ because: 'a test', alarming: false, steps });

function parts(onStep: BeforeOpenParts['onStep'] = () => undefined): BeforeOpenParts {
  return {
    ...{ files, vault: temporary.vault, blobs: disk.store, clock, onStep },
    stamps: stampClock(() => clock.nowMs(), 'writer1'),
    stagingDir: join(temporary.dir, 'staging'),
    salvage: async (ref) => ({
      ...mediaAt(1000, { blob: ref.id, sizeBytes: ref.sizeBytes, tags: ['salvaged'] }),
      facts: { width: null, height: null, animated: false, undecodable: false },
    }),
    factsOf: async () => undefined,
    onNews: (text) => void news.push(text),
    backupBeforeMigration: () => Promise.resolve(),
  };
}

/** A vault with a snapshot of three media, a journal with two more and an edit, and a blob that only uploads/ has. */
async function fillVault(): Promise<SnapshotRef> {
  const staged = join(temporary.dir, 'first.db');
  await files.apply(staged, { changes: [1, 2, 3].map((ms) => mediaChange(mediaAt(ms))) });
  const snapshot = await temporary.vault.snapshots.put(0, staged);
  const changes = [mediaAt(4), mediaAt(5), mediaAt(1, { name: 'edited', stamp: stampAt(50) })].map(
    mediaChange,
  );
  await temporary.vault.journal.append({ timeline: 0, writer: 'writer1', changes });
  const bytes = Buffer.from('only in uploads');
  await disk.store.put(refOf(bytes), Readable.from([bytes]));
  return snapshot;
}

const state = async (): Promise<Partial<CatalogSummary>> => {
  const { digest: _stampsOfSalvage, ...rest } = await files.check(file, 'rows');
  return rest;
};

describe('A rebuild', () => {
  test('done twice ends as done once', async () => {
    const snapshot = await fillVault();
    const rebuild: Step = { do: 'rebuild', timeline: 0, snapshots: [snapshot], salvage: true };
    await applyBeforeOpen(parts(), planOf(rebuild));
    const once = await state();
    expect(once).toMatchObject({ media: 6, timeline: 0 });
    await applyBeforeOpen(parts(), planOf(rebuild, rebuild));
    expect(await state()).toEqual(once);
  });

  test('begins anew after one that a crash left half-way', async () => {
    const snapshot = await fillVault();
    await writeFile(join(temporary.dir, 'staging/rebuild.db'), 'half of a database');
    await writeFile(join(temporary.dir, 'staging/rebuild.db-journal'), 'and its journal');
    await applyBeforeOpen(
      parts(),
      planOf({ do: 'rebuild', timeline: 0, snapshots: [snapshot], salvage: false }),
    );
    expect(await state()).toMatchObject({ media: 5 });
  });

  test('passes over a snapshot that is unsound, and says so', async () => {
    const snapshot = await fillVault();
    const gone = { ...snapshot, path: 'timelines/0/snapshots/none.db.zst' };
    const changed = { ...snapshot, sha256: '0'.repeat(64) };
    await applyBeforeOpen(
      parts(),
      planOf({ do: 'rebuild', timeline: 0, snapshots: [gone, changed, snapshot], salvage: false }),
    );
    expect(await state()).toMatchObject({ media: 5 });
    expect(news.filter((text) => text.startsWith('passed over'))).toHaveLength(2);
  });

  test('without any sound snapshot gives what the journal has', async () => {
    await fillVault();
    await applyBeforeOpen(parts(), planOf({ do: 'rebuild', timeline: 0, snapshots: [], salvage: false }));
    expect(await state()).toMatchObject({ media: 3 });
  });
});

test('A timeline that is begun twice is the one that was begun first', async () => {
  const timeline = { number: 0, parent: null, restored: null, snapshot: null, createdAt: 'first' };
  await applyBeforeOpen(parts(), planOf({ do: 'begin-timeline', timeline }));
  await applyBeforeOpen(
    parts(),
    planOf({ do: 'begin-timeline', timeline: { ...timeline, createdAt: 'second' } }),
  );
  expect((await temporary.vault.timelines.current())?.createdAt).toBe('first');
});

test('Steps are told before they are taken, so that one which fails is the last', async () => {
  const told: string[] = [];
  const timeline = { number: 0, parent: null, restored: null, snapshot: null, createdAt: '' };
  const stop = (step: Step) => {
    told.push(step.do);
    if (step.do === 'backup-before-migration') throw new Error('killed');
  };
  const plan = planOf(
    { do: 'begin-timeline', timeline },
    { do: 'backup-before-migration' },
    { do: 'refill-vault' },
  );
  await expect(applyBeforeOpen(parts(stop), plan)).rejects.toThrow('killed');
  expect(told).toEqual(['begin-timeline', 'backup-before-migration']);
});

describe('With the catalog open', () => {
  let catalog: Awaited<ReturnType<typeof openSqliteCatalog>>;
  beforeEach(async () => {
    catalog = await openSqliteCatalog({
      file,
      asideDir: join(temporary.dir, 'aside'),
      vaults: ['local'],
      clock,
      witness: { beforeCommit: async () => undefined, commitFailed: async () => undefined },
    });
  });
  afterEach(() => catalog.close());

  test('the journal replayed twice gives the same, and says once what was brought back', async () => {
    await fillVault();
    const after = {
      catalog,
      vault: temporary.vault,
      factsOf: async () => undefined,
      onNews: (text: string) => void news.push(text),
    };
    await applyAfterOpen(after, planOf({ do: 'replay-journal', timeline: 0 }));
    const once = await catalog.totals();
    await applyAfterOpen(
      after,
      planOf({ do: 'replay-journal', timeline: 0 }, { do: 'replay-journal', timeline: 0 }),
    );
    expect(await catalog.totals()).toEqual(once);
    expect(once).toMatchObject({ media: 3, uploads: 3 });
    expect(news).toEqual([expect.stringContaining('3 uploads')]);
  });

  test('a vault refilled twice gets each blob once', async () => {
    await catalog.write({ changes: [1, 2].map((ms) => mediaChange(mediaAt(ms))) });
    await catalog.blobs.shipped('local', [mediaAt(1).blob, mediaAt(2).blob]);
    const after = {
      catalog,
      vault: temporary.vault,
      factsOf: async () => undefined,
      onNews: () => undefined,
    };
    await applyAfterOpen(after, planOf({ do: 'refill-vault' }, { do: 'refill-vault' }));
    expect(await catalog.blobs.unshipped('local', 10)).toHaveLength(2);
  });

  describe('a sweep', () => {
    const putBlob = async (text: string) => {
      const bytes = Buffer.from(text);
      await disk.store.put(refOf(bytes), Readable.from([bytes]));
      return refOf(bytes);
    };
    const run = () =>
      sweep(
        {
          ...{
            catalog,
            disk: disk.store,
            healing: disk.store,
            onNews: (text: string) => void news.push(text),
          },
          collect: async (ids) => {
            for (const id of ids) if ((await catalog.blobs.uses(id)) === 0) await disk.store.remove(id);
          },
        },
        new AbortController().signal,
      );

    test('removes blobs without a row, keeps the others, and finds nothing to do the second time', async () => {
      const kept = await putBlob('kept');
      await catalog.write({
        changes: [mediaChange(mediaAt(1, { blob: kept.id, sizeBytes: kept.sizeBytes }))],
      });
      const orphan = await putBlob('orphan');
      expect(await run()).toEqual({ orphans: 1, healed: 0, lost: 0 });
      expect([await disk.store.size(kept.id), await disk.store.size(orphan.id)]).toEqual([
        kept.sizeBytes,
        undefined,
      ]);
      expect(await run()).toEqual({ orphans: 0, healed: 0, lost: 0 });
    });

    test('leaves them alone when there are so many that the rows must be missing, and says so', async () => {
      for (let count = 0; count < 101; count += 1) await putBlob(`orphan ${count}`);
      expect(await run()).toMatchObject({ orphans: 0 });
      expect(news).toEqual([expect.stringContaining('101 blobs')]);
      const left = [];
      for await (const { id } of disk.store.list()) left.push(id);
      expect(left).toHaveLength(101);
    });

    test('ends when it is told to', async () => {
      await putBlob('any');
      const aborted = AbortSignal.abort();
      const nothing = {
        catalog,
        disk: disk.store,
        healing: disk.store,
        collect: async () => {},
        onNews: () => undefined,
      };
      await expect(sweep(nothing, aborted)).rejects.toMatchObject({ name: 'AbortError' });
    });
  });
});
