import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { HoldfastError } from '../../src/core/error.ts';
import { mediaChange } from '../../src/core/media.ts';
import { formatStamp } from '../../src/core/stamp.ts';
import { blobId, mediaAt, stampAt } from './rows.ts';
import { temporaryCatalog } from './temporary.ts';

let temporary: Awaited<ReturnType<typeof temporaryCatalog>>;
let failBeforeCommit: Error | undefined;

beforeEach(async () => {
  failBeforeCommit = undefined;
  temporary = await temporaryCatalog();
});
afterEach(() => temporary.remove());

const write = (ms: number, changes = {}) =>
  temporary.catalog.write({ changes: [mediaChange(mediaAt(ms, changes))] });

describe('Writes', () => {
  test('that come together share few commits, and all are there', async () => {
    const times = Array.from({ length: 200 }, (_, index) => index + 1);
    await Promise.all(times.map((ms) => write(ms)));
    expect(temporary.commits.length).toBeLessThanOrEqual(3);
    expect(
      temporary.commits
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(times.map((ms) => mediaAt(ms).id).sort());
    expect(await temporary.catalog.totals()).toMatchObject({ media: 200, uploads: 200 });
  });

  test('one after the other are committed one by one', async () => {
    for (let ms = 1; ms <= 5; ms += 1) await write(ms);
    expect(temporary.commits).toHaveLength(5);
  });

  test('that come while a commit is under way go together into the next', async () => {
    const first = write(1);
    await new Promise(setImmediate);
    await Promise.all([first, ...[2, 3, 4, 5, 6, 7, 8].map((ms) => write(ms))]);
    expect(temporary.commits.length).toBeLessThanOrEqual(3);
  });

  test('of which one expects another state refuse that one, and keep the others', async () => {
    await write(1);
    const stale = { table: 'media', id: mediaAt(1).id, stamp: stampAt(999) } as const;
    const outcomes = await Promise.allSettled([
      write(2),
      temporary.catalog.write({ changes: [mediaChange(mediaAt(3))], expect: [stale] }),
      write(4),
      temporary.catalog.write({
        changes: [mediaChange(mediaAt(5))],
        expect: [{ ...stale, id: mediaAt(5).id, stamp: null }],
      }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'precondition-failed' } });
    expect(await temporary.catalog.media(mediaAt(3).id)).toBeUndefined();
    for (const ms of [2, 4, 5]) expect((await temporary.catalog.media(mediaAt(ms).id))?.createdMs).toBe(ms);
    expect(temporary.commits.flat().map(({ id }) => id)).not.toContain(mediaAt(3).id);
    expect(await temporary.catalog.totals()).toMatchObject({ media: 4, blobs: 4 });
  });

  test('that fail half-way leave nothing of themselves, also in the totals', async () => {
    const good = mediaChange(mediaAt(1));
    const bad = { ...mediaChange(mediaAt(2)), row: { ...mediaChange(mediaAt(2)).row, name: null } };
    const [together] = await Promise.allSettled([
      temporary.catalog.write({ changes: [good, bad] }),
      write(3),
    ]);
    expect(together.status).toBe('rejected');
    expect(await temporary.catalog.media(mediaAt(1).id)).toBeUndefined();
    const { media, blobs } = await temporary.catalog.totals();
    expect([media, blobs].every((count) => count === 0 || count === 1)).toBe(true);
    await write(4);
    const copy = `${temporary.dir}/copy.db`;
    await temporary.catalog.files.copyTo(copy);
    expect((await temporary.catalog.files.check(copy, 'rows')).media).toBe(
      (await temporary.catalog.totals()).media,
    );
  });

  test('are not committed when what must come before the commit fails, and the next ones are', async () => {
    const picky = await temporaryCatalog({
      witness: { beforeCommit: failIfAsked, commitFailed: () => Promise.resolve() },
    });
    try {
      failBeforeCommit = new HoldfastError('no-space', 'The journal is full.');
      await expect(picky.catalog.write({ changes: [mediaChange(mediaAt(1))] })).rejects.toMatchObject({
        code: 'no-space',
      });
      expect(await picky.catalog.media(mediaAt(1).id)).toBeUndefined();
      failBeforeCommit = undefined;
      await picky.catalog.write({ changes: [mediaChange(mediaAt(2))] });
      expect(await picky.catalog.totals()).toMatchObject({ media: 1, uploads: 1, blobs: 1 });
    } finally {
      await picky.remove();
    }
  });

  test('say which blobs were known before', async () => {
    const shared = { blob: blobId('shared') };
    expect(await write(1, shared)).toEqual({ known: [] });
    expect(await write(2, shared)).toEqual({ known: [shared.blob] });
  });
});

async function failIfAsked(): Promise<void> {
  if (failBeforeCommit !== undefined) throw failBeforeCommit;
}

test('Old answers are forgotten, newer ones and keys stay, and the digest still adds up', async () => {
  const { catalog, dir } = temporary;
  const record = (table: 'idempotency' | 'keys', id: string, ms: number) => ({
    table,
    id,
    stamp: formatStamp(ms, 0, 'w'),
    row: { ms },
  });
  await catalog.write({
    changes: [record('idempotency', 'old', 100), record('idempotency', 'new', 300), record('keys', 'k', 100)],
  });
  expect(await catalog.expire(200)).toBe(false);
  expect((await catalog.rows('idempotency')).map(({ id }) => id)).toEqual(['new']);
  expect((await catalog.rows('keys')).map(({ id }) => id)).toEqual(['k']);
  await catalog.files.copyTo(`${dir}/copy.db`);
  expect((await catalog.files.check(`${dir}/copy.db`, 'rows')).digest).toMatch(/^[0-9a-f]{64}$/);
});

test('More old answers than are forgotten at once are forgotten in several turns', async () => {
  const { catalog } = temporary;
  const changes = Array.from({ length: 1500 }, (_, at) => ({
    table: 'idempotency' as const,
    id: `i${at}`,
    stamp: formatStamp(at, 0, 'w'),
    row: {},
  }));
  await catalog.write({ changes });
  expect(await catalog.expire(10_000)).toBe(true);
  expect(await catalog.expire(10_000)).toBe(false);
  expect(await catalog.rows('idempotency')).toEqual([]);
});

test('The outbox holds each blob once, until the vault has it', async () => {
  const { blobs } = temporary.catalog;
  await Promise.all([write(1), write(2), write(3, { blob: blobId(1) })]);
  const refs = await blobs.unshipped('local', 10);
  expect(refs.map(({ id }) => id).sort()).toEqual([blobId(1), blobId(2)].sort());
  await blobs.shipped('local', [blobId(1)]);
  expect(await blobs.unshipped('local', 10)).toEqual([{ id: blobId(2), sizeBytes: 100 }]);
  await blobs.refill('local');
  expect(await blobs.unshipped('local', 10)).toHaveLength(2);
});
