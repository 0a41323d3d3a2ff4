import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { BlobRef, BlobStore } from '../../src/core/blob.ts';
import { filesIn } from '../api/support.ts';

export interface OpenStore {
  readonly store: BlobStore;
  /** The file that holds a blob. */
  fileOf(id: string): string;
  close(): Promise<void>;
}

export function refOf(bytes: Buffer): BlobRef {
  return { id: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}

/** What core/blob.ts promises of every store. `open` makes one in an empty folder. */
export function keepsItsContract(open: (dir: string) => Promise<OpenStore>): void {
  let dir: string;
  let opened: OpenStore;
  let store: BlobStore;
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 31) % 256));
  const ref = refOf(bytes);
  const read = async (id: string, range?: { start: number; end: number }) =>
    buffer(await store.open(id, range));
  const put = (content: Buffer) => store.put(refOf(content), Readable.from([content]));

  async function listed(): Promise<BlobRef[]> {
    const all: BlobRef[] = [];
    for await (const one of store.list()) all.push(one);
    return all.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-blobs-'));
    opened = await open(dir);
    store = opened.store;
  });
  afterEach(async () => {
    await opened.close();
    await rm(dir, { recursive: true, force: true });
  });

  test('gives back what was put, whole and in ranges', async () => {
    await put(bytes);
    expect((await read(ref.id)).equals(bytes)).toBe(true);
    for (const [start, end] of [
      [0, 0],
      [10, 19],
      [99_990, 99_999],
      [0, 99_999],
    ] as const)
      expect((await read(ref.id, { start, end })).equals(bytes.subarray(start, end + 1))).toBe(true);
    expect(await store.size(ref.id)).toBe(bytes.length);
  });

  test('keeps bytes that come in many pieces, and an empty blob', async () => {
    await store.put(
      ref,
      Readable.from(Array.from({ length: 100 }, (_, at) => bytes.subarray(at * 1000, (at + 1) * 1000))),
    );
    expect((await read(ref.id)).equals(bytes)).toBe(true);
    const empty = Buffer.alloc(0);
    await put(empty);
    expect(await store.size(refOf(empty).id)).toBe(0);
  });

  test('takes over a file, which is gone from its place then', async () => {
    const file = join(dir, 'landed');
    await writeFile(file, bytes);
    await store.adopt(ref, file);
    expect((await read(ref.id)).equals(bytes)).toBe(true);
    expect((await filesIn(dir)).filter((name) => name === 'landed')).toEqual([]);
  });

  test('may be given the same blob again', async () => {
    for (let time = 0; time < 3; time += 1) await put(bytes);
    await Promise.all([put(bytes), put(bytes), put(bytes)]);
    expect(await listed()).toEqual([ref]);
    expect((await read(ref.id)).equals(bytes)).toBe(true);
  });

  test('lists each blob once, and knows nothing of others', async () => {
    const others = Array.from({ length: 40 }, (_, index) => Buffer.from(`blob ${index}`));
    await Promise.all(others.map(put));
    expect(await listed()).toEqual(others.map(refOf).sort((a, b) => (a.id < b.id ? -1 : 1)));
    expect(await store.size(ref.id)).toBeUndefined();
  });

  test('lists nothing when it is empty', async () => {
    expect(await listed()).toEqual([]);
  });

  test('removes a blob, and does not mind when there is none', async () => {
    await put(bytes);
    await put(Buffer.from('stays'));
    await store.remove(ref.id);
    await store.remove(ref.id);
    expect(await listed()).toEqual([refOf(Buffer.from('stays'))]);
    expect(await store.size(ref.id)).toBeUndefined();
    await put(bytes);
    expect((await read(ref.id)).equals(bytes)).toBe(true);
  });

  test.each<[string, () => Readable]>([
    ['other bytes', () => Readable.from([Buffer.alloc(bytes.length)])],
    ['too few bytes', () => Readable.from([bytes.subarray(1)])],
    ['too many bytes', () => Readable.from([bytes, Buffer.alloc(1)])],
    ['no bytes', () => Readable.from([])],
  ])('refuses %s as damaged and keeps nothing', async (_what, body) => {
    await expect(store.put(ref, body())).rejects.toMatchObject({ code: 'damaged' });
    expect(await listed()).toEqual([]);
    expect(await filesIn(dir)).toEqual([]);
  });

  test('keeps nothing of a body that fails in the middle', async () => {
    const failing = Readable.from(
      (async function* () {
        yield bytes.subarray(0, 1000);
        throw new Error('the line is dead');
      })(),
    );
    await expect(store.put(ref, failing)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await store.size(ref.id)).toBeUndefined();
    expect(await filesIn(dir)).toEqual([]);
  });

  test('a refused copy leaves the good one that is there', async () => {
    await put(bytes);
    await expect(store.put(ref, Readable.from([Buffer.alloc(bytes.length)]))).rejects.toMatchObject({
      code: 'damaged',
    });
    expect((await read(ref.id)).equals(bytes)).toBe(true);
  });

  test('does not list what else lies in its folder', async () => {
    await put(bytes);
    const beside = join(opened.fileOf(ref.id), '..');
    for (const name of ['notes.txt', 'a'.repeat(63), `${'g'.repeat(64)}`, '.hidden'])
      await writeFile(join(beside, name), 'x');
    expect(await listed()).toEqual([ref]);
  });
}
