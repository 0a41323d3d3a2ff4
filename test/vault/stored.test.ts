import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backup, SnapshotRef, Timeline, Vault } from '../../src/core/vault.ts';
import { readSealed, sealed } from '../../src/vault/sealed.ts';
import { filesIn } from '../api/support.ts';
import { temporaryVault } from './temporary.ts';

let temporary: Awaited<ReturnType<typeof temporaryVault>>;
let vault: Vault;

beforeEach(async () => {
  temporary = await temporaryVault();
  vault = temporary.vault;
});
afterEach(() => temporary.remove());

const inVault = (path: string) => join(temporary.dir, path);

async function change(path: string, edit: (bytes: Buffer) => Buffer | string): Promise<void> {
  await writeFile(inVault(path), edit(await readFile(inVault(path))));
}

function backup(day: number): Backup {
  const name = `backup-2026-01-${String(day).padStart(2, '0')}T12-00-00-000Z`;
  const snapshot = { path: 'timelines/0/snapshots/w-1.db.zst', sizeBytes: 1, sha256: '0'.repeat(64) };
  const numbers = { media: 1, uploads: 1, blobs: 1, bytes: 1, newBytes: 1, timeline: 0, schema: 1 };
  return {
    format: 1,
    name,
    createdAt: '2026-01-01T12:00:00.000Z',
    reason: 'request',
    snapshot,
    ...numbers,
    catalogEngine: 'sqlite',
    stamp: '',
    digest: 'd',
  };
}

describe('A sealed file', () => {
  test('is read back as it was written, and no byte of it can change unseen', async () => {
    const value = { name: 'x', count: 7, list: [1, null, { a: true }] };
    const file = inVault('sealed.json');
    const text = sealed(value);
    await writeFile(file, text);
    expect(await readSealed(file, 'this')).toEqual(value);
    for (let at = 0; at < text.length; at += 1) {
      const changed = Buffer.from(text);
      changed[at] = changed[at]! ^ 0x01;
      await writeFile(file, changed);
      const found = await readSealed(file, 'this').catch((error: { code: string }) => error.code);
      if (found !== 'damaged') expect({ at, found }).toEqual({ at, found: value }); // white space
    }
  });

  test('that is cut short is damaged, and one that is not there not found', async () => {
    await writeFile(inVault('sealed.json'), sealed({ a: 1 }).slice(0, 20));
    await expect(readSealed(inVault('sealed.json'), 'it')).rejects.toMatchObject({ code: 'damaged' });
    await expect(readSealed(inVault('none.json'), 'it')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('Manifests', () => {
  test('are listed newest first, with a damaged one in its place', async () => {
    for (const day of [2, 1, 3]) await vault.manifests.put(backup(day));
    await change(`backups/${backup(2).name}.json`, (all) =>
      all.toString().replace('"media": 1', '"media": 2'),
    );
    const listed = await vault.manifests.list();
    expect(listed.map(({ name }) => name)).toEqual([3, 2, 1].map((day) => backup(day).name));
    expect(listed[0]).toEqual(backup(3));
    expect(listed[1]).toEqual({ name: backup(2).name, damaged: expect.stringMatching(/damaged/) });
  });

  test('are never written over', async () => {
    await vault.manifests.put(backup(1));
    await expect(vault.manifests.put({ ...backup(1), media: 99 })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await vault.manifests.list()).toEqual([backup(1)]);
  });

  test('under the name of another are damaged', async () => {
    await vault.manifests.put(backup(1));
    await writeFile(
      inVault(`backups/${backup(5).name}.json`),
      await readFile(inVault(`backups/${backup(1).name}.json`)),
    );
    expect((await vault.manifests.list())[0]).toHaveProperty('damaged');
  });

  test('go together with their checks, of which the newest counts', async () => {
    const { name } = backup(1);
    await vault.manifests.put(backup(1));
    const check = (at: string, ok: boolean) => ({ at, ok, level: 'full' as const, found: [] });
    await vault.manifests.putCheck(name, check('2026-01-03T00:00:00.000Z', false));
    await vault.manifests.putCheck(name, check('2026-01-02T00:00:00.000Z', true));
    expect((await vault.manifests.lastCheck(name))?.ok).toBe(false);
    await vault.manifests.remove(name);
    await vault.manifests.remove(name);
    expect(await vault.manifests.list()).toEqual([]);
    expect(await vault.manifests.lastCheck(name)).toBeUndefined();
  });
});

describe('Snapshots', () => {
  const content = Buffer.from('SQLite format 3 and then some '.repeat(5000));
  let stored: SnapshotRef;
  beforeEach(async () => {
    await writeFile(inVault('source.db'), content);
    stored = await vault.snapshots.put(0, inVault('source.db'));
  });

  const fetched = async () => {
    await vault.snapshots.fetch(stored, inVault('fetched.db'));
    return readFile(inVault('fetched.db'));
  };

  test('come back as they were, compressed in between', async () => {
    expect((await fetched()).equals(content)).toBe(true);
    expect(stored).toMatchObject({
      path: expect.stringMatching(/^timelines\/0\/snapshots\/writer1-\d+\.db\.zst$/),
    });
    expect((await readFile(inVault(stored.path))).length).toBe(stored.sizeBytes);
    expect(stored.sizeBytes).toBeLessThan(content.length / 10);
    expect(await filesIn(inVault('incoming'))).toEqual([]);
  });

  test('get a name of their own each, and are listed and removed', async () => {
    const second = await vault.snapshots.put(0, inVault('source.db'));
    expect(second.path).not.toBe(stored.path);
    const listed = async () => {
      const paths = [];
      for await (const { path } of vault.snapshots.list()) paths.push(path);
      return paths.sort();
    };
    expect(await listed()).toEqual([stored.path, second.path].sort());
    await vault.snapshots.remove(stored.path);
    await vault.snapshots.remove(stored.path);
    expect(await listed()).toEqual([second.path]);
  });

  test.each<[string, (all: Buffer) => Buffer | string]>([
    ['another first byte', (all) => Buffer.from(all).fill(0, 0, 1)],
    [
      'another byte in the middle',
      (all) => Buffer.from(all).fill(all[all.length >> 1]! ^ 1, all.length >> 1, (all.length >> 1) + 1),
    ],
    ['another last byte', (all) => Buffer.from(all).fill(all.at(-1)! ^ 1, all.length - 1)],
    ['no end', (all) => all.subarray(0, all.length - 1)],
    ['half of it', (all) => all.subarray(0, all.length / 2)],
    ['nothing', () => ''],
    ['something behind it', (all) => Buffer.concat([all, all])],
    ['text', () => 'not compressed'],
  ])('with %s are damaged, and nothing is left of them', async (_what, damage) => {
    await change(stored.path, damage);
    await expect(fetched()).rejects.toMatchObject({ code: 'damaged' });
    await expect(readFile(inVault('fetched.db'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('that are gone are not found', async () => {
    await rm(inVault(stored.path));
    await expect(fetched()).rejects.toMatchObject({ code: 'not-found' });
  });

  test('of a file that is not there leave nothing', async () => {
    const before = await filesIn(temporary.dir);
    await expect(vault.snapshots.put(0, inVault('none.db'))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await filesIn(temporary.dir)).toEqual(before);
  });
});

describe('Timelines', () => {
  const timeline = (number: number, restored: string | null = null): Timeline => ({
    number,
    parent: null,
    restored,
    snapshot: null,
    createdAt: '',
  });

  test('are each begun once: of two, one is told that another was first', async () => {
    expect(await vault.timelines.current()).toBeUndefined();
    const other = await temporary.open('writer2');
    const begun = await Promise.all([
      vault.timelines.begin(timeline(0, 'mine')),
      other.timelines.begin(timeline(0, 'other')),
    ]);
    expect(begun.filter((first) => first)).toHaveLength(1);
    const winner = begun[0] ? 'mine' : 'other';
    expect((await vault.timelines.current())?.restored).toBe(winner);
    expect(await vault.timelines.begin(timeline(0, 'later'))).toBe(false);
    expect((await vault.timelines.current())?.restored).toBe(winner);
  });

  test('are newest by number, not by name', async () => {
    for (const number of [0, 9, 10]) await vault.timelines.begin(timeline(number));
    expect((await vault.timelines.current())?.number).toBe(10);
  });

  test('count even when their file is damaged: their number is in their name', async () => {
    await vault.timelines.begin(timeline(0));
    await vault.timelines.begin(timeline(1, 'backup'));
    await change('timelines/1.json', () => 'damaged');
    expect(await vault.timelines.current()).toMatchObject({ number: 1, restored: null });
    expect(temporary.damage).toEqual(['timelines/1.json']);
  });
});
