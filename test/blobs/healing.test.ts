import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { BlobStore } from '../../src/core/blob.ts';
import { filesIn } from '../api/support.ts';
import { refOf } from './contract.ts';
import { healingStore, vaultStore } from './stores.ts';

const bytes = Buffer.from('the bytes of a picture'.repeat(100));
const ref = refOf(bytes);
let dir: string;
let vaults: { name: string; blobs: BlobStore; fileOf(id: string): string; opens: number }[];
let healing: Awaited<ReturnType<typeof healingStore>>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-healing-'));
  vaults = await Promise.all(['near', 'far'].map(async (name) => vaultCalled(name)));
  healing = await healingStore(join(dir, 'data'), vaults);
});
afterEach(async () => {
  await healing.close();
  await rm(dir, { recursive: true, force: true });
});

async function vaultCalled(name: string) {
  const { store, fileOf } = await vaultStore(join(dir, name));
  const vault = { name, fileOf, opens: 0, blobs: store };
  vault.blobs = { ...store, open: (id, range) => ((vault.opens += 1), store.open(id, range)) };
  return vault;
}

const put = (store: BlobStore) => store.put(ref, Readable.from([bytes]));
const read = async (range?: { start: number; end: number }) =>
  buffer(await healing.store.open(ref.id, range));

describe('A blob on the disk that is', () => {
  test.each<[string, () => Promise<void>]>([
    ['gone', () => rm(healing.fileOf(ref.id))],
    ['changed in one byte', () => writeFile(healing.fileOf(ref.id), Buffer.from(bytes).fill('x', 9, 10))],
    ['cut short', () => truncate(healing.fileOf(ref.id), 5)],
    ['empty', () => truncate(healing.fileOf(ref.id), 0)],
    ['longer', () => writeFile(healing.fileOf(ref.id), Buffer.concat([bytes, bytes]))],
  ])('%s is fetched from the nearest vault, once, and served whole', async (_what, damage) => {
    await put(healing.store);
    await put(vaults[0]!.blobs);
    await damage();
    expect((await read({ start: 4, end: 8 })).toString()).toBe('bytes');
    expect((await read()).equals(bytes)).toBe(true);
    expect(healing.told).toEqual({ healed: [`${ref.id} near`], lost: [] });
    expect(vaults.map(({ opens }) => opens)).toEqual([1, 0]);
  });

  test('asked for by many while it is missing is fetched once', async () => {
    await put(vaults[0]!.blobs);
    const all = await Promise.all(Array.from({ length: 10 }, () => read()));
    expect(all.every((one) => one.equals(bytes))).toBe(true);
    expect(vaults[0]!.opens).toBe(1);
  });

  test('damaged is set aside, never lost', async () => {
    await put(healing.store);
    await put(vaults[0]!.blobs);
    await writeFile(healing.fileOf(ref.id), 'damaged');
    await read();
    expect(await filesIn(join(dir, 'data/aside'))).toEqual([`blobs/${ref.id}.damaged`]);
  });
});

describe('A vault whose own copy is', () => {
  test('damaged is passed over for the next', async () => {
    await put(vaults[0]!.blobs);
    await put(vaults[1]!.blobs);
    await writeFile(vaults[0]!.fileOf(ref.id), Buffer.alloc(bytes.length));
    expect((await read()).equals(bytes)).toBe(true);
    expect(healing.told.healed).toEqual([`${ref.id} far`]);
  });

  test('damaged too, as all the others, leaves an error, and the file that was there', async () => {
    await put(healing.store);
    await put(vaults[0]!.blobs);
    await writeFile(vaults[0]!.fileOf(ref.id), Buffer.alloc(bytes.length));
    await writeFile(healing.fileOf(ref.id), 'damaged');
    await expect(read()).rejects.toMatchObject({ code: 'damaged', facts: { blob: ref.id } });
    expect(healing.told).toEqual({ healed: [], lost: [ref.id] });
    const left = await filesIn(join(dir, 'data'));
    expect(left.filter((name) => name.includes(ref.id))).toHaveLength(1);
  });

  test('missing everywhere is an error that says so', async () => {
    await expect(read()).rejects.toMatchObject({ code: 'damaged' });
    expect(healing.told.lost).toEqual([ref.id]);
  });
});
