import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requireSound } from '../../src/catalog/check.ts';
import { wins, type Change } from '../../src/core/change.ts';
import { mediaChange, type Media } from '../../src/core/media.ts';
import { blobId, catalogInMemory, mediaAt, stampAt } from './rows.ts';

/** Changes as several writers make them: each with a stamp of its own; media of a few ids that share two blobs. */
const changes: fc.Arbitrary<Change[]> = fc
  .array(
    fc.record({
      table: fc.constantFrom('media', 'media', 'media', 'keys', 'settings', 'idempotency'),
      id: fc.integer({ min: 1, max: 4 }),
      state: fc.constantFrom('live', 'live', 'trashed', 'purged'),
      kind: fc.constantFrom('image', 'video'),
      name: fc.constantFrom('sea.jpg', 'Sea night.jpg', 'IMG_7.mov'),
      tags: fc.subarray(['sea', 'work', 'two words']),
      gone: fc.boolean(),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((list) => list.map((one, at) => changeOf(one as Described, at + 1)));

interface Described extends Pick<Media, 'state' | 'kind' | 'name' | 'tags'> {
  table: Change['table'];
  id: number;
  gone: boolean;
}

function changeOf({ table, id, state, kind, name, tags, gone }: Described, at: number): Change {
  const stamp = stampAt(1000 + at);
  if (table !== 'media') return { table, id: `r${id}`, stamp, row: gone ? null : { name, at } };
  const purgedMs = state === 'purged' ? at : null;
  const own = { blob: blobId(id % 2), sizeBytes: 10 + (id % 2), extra: { later: at } };
  return mediaChange(mediaAt(id, { ...own, state, kind, name, tags, purgedMs, stamp }));
}

describe('Changes', () => {
  test('in any order, each any number of times, in units of any size, end in the same rows and digest', async () => {
    await fc.assert(
      fc.asyncProperty(
        changes,
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 5 }),
        async (list, seeds, size) => {
          const [plain, other] = [await catalogInMemory(), await catalogInMemory()];
          for (const change of list) plain.apply({ changes: [change] });
          const repeated = shuffled([...list, ...list.slice(0, size), ...list], seeds);
          for (let at = 0; at < repeated.length; at += size)
            other.apply({ changes: repeated.slice(at, at + size) });
          expect(other.dump()).toEqual(plain.dump());
          requireSound(other.db, 'rows');
          requireSound(plain.db, 'rows');
        },
      ),
      { numRuns: 150 },
    );
  });

  test('leave the row that wins over all others of it', async () => {
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const { apply, db } = await catalogInMemory();
        apply({ changes: list });
        for (const id of new Set(list.filter(({ table }) => table === 'media').map((change) => change.id))) {
          const own = list.filter((change) => change.id === id);
          const purges = own.filter(({ row }) => row!['state'] === 'purged');
          const last = (purges.length > 0 ? purges : own)
            .map(({ stamp }) => stamp)
            .sort()
            .at(-1);
          expect(db.prepare('select stamp from media where id = ?').pluck().get(id)).toBe(last);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('that lose are not among those that were applied, so they are not written to the journal again', async () => {
    const { apply } = await catalogInMemory();
    const [older, newer] = [
      mediaAt(1, { stamp: stampAt(5) }),
      mediaAt(1, { stamp: stampAt(9), name: 'b.jpg' }),
    ].map(mediaChange) as [Change, Change];
    expect(apply({ changes: [newer, older] }).applied).toEqual([newer]);
    expect(apply({ changes: [newer, older] }).applied).toEqual([]);
  });

  test('carry along members that this version does not know', async () => {
    const { apply, db } = await catalogInMemory();
    const change = mediaChange(mediaAt(1));
    apply({ changes: [{ ...change, row: { ...change.row, album: { id: 7, cover: null } } }] });
    const { extra } = db.prepare('select extra from media').get() as { extra: string };
    expect(JSON.parse(extra)).toEqual({ album: { id: 7, cover: null } });
  });
});

describe('A change', () => {
  const held = (stamp: string, purged = false) => ({ stamp, purged });
  const live = (stamp: string) => mediaChange(mediaAt(1, { stamp }));
  const purge = (stamp: string) => mediaChange(mediaAt(1, { stamp, state: 'purged', purgedMs: 1 }));
  test.each<[string, boolean, Change, ReturnType<typeof held> | undefined]>([
    ['of a row that is not there wins', true, live('a'), undefined],
    ['with the greater stamp wins', true, live('b'), held('a')],
    ['with the same stamp does not', false, live('a'), held('a')],
    ['with the smaller stamp does not', false, live('a'), held('b')],
    ['that purges wins over a greater stamp', true, purge('a'), held('b')],
    ['loses against a purge, whatever its stamp', false, live('z'), held('a', true)],
    ['that purges again wins with the greater stamp', true, purge('b'), held('a', true)],
    ['that purges again loses with the smaller', false, purge('a'), held('b', true)],
  ])('%s', (_what, expected, change, held) => expect(wins(change, held)).toBe(expected));
});

describe('Blobs that several media name', () => {
  const one = mediaAt(1, { blob: blobId('shared') });
  const two = mediaAt(2, { blob: blobId('shared') });
  const purged = (media: Media, ms: number) =>
    mediaChange({ ...media, state: 'purged', purgedMs: ms, stamp: stampAt(ms) });

  test('are counted and shipped once, until the last of them is purged', async () => {
    const { apply, db, rows } = await catalogInMemory();
    expect(apply({ changes: [mediaChange(one)] }).known).toEqual([]);
    expect(apply({ changes: [mediaChange(two)] }).known).toEqual([one.blob]);
    expect(db.prepare('select vault, blob from outbox').all()).toEqual([{ vault: 'local', blob: one.blob }]);
    expect(rows.ledger).toMatchObject({ media: 2, blobs: 1, bytes: 100, uploads: 2 });
    apply({ changes: [purged(one, 10)] });
    expect(rows.ledger).toMatchObject({ media: 1, blobs: 1, bytes: 100, uploads: 2 });
    apply({ changes: [purged(two, 20)] });
    expect(rows.ledger).toMatchObject({ media: 0, blobs: 0, bytes: 0, uploads: 2 });
  });

  // catalog/apply.ts takes the moment of the purge that is applied last, not the latest one.
  test('are needed until the latest purge, in whatever order the purges come', async () => {
    for (const order of [
      [one, two],
      [two, one],
    ]) {
      const { apply, db } = await catalogInMemory();
      apply({ changes: [one, two].map(mediaChange) });
      for (const media of order) apply({ changes: [purged(media, media === one ? 10 : 20)] });
      expect(db.prepare('select purged_ms from blobs').pluck().get()).toBe(20);
    }
  });
});

/** Fisher and Yates, by the numbers of fast-check, so that a failure can be repeated. */
function shuffled<T>(list: T[], seeds: fc.Stream<number>): T[] {
  const turned = [...list];
  for (let at = turned.length - 1; at > 0; at -= 1) {
    const other = seeds.next().value! % (at + 1);
    [turned[at], turned[other]] = [turned[other]!, turned[at]!];
  }
  return turned;
}
