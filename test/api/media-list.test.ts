import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ids } from '../../src/start.ts';
import { mediaChange, type Media } from '../../src/core/media.ts';
import { formatStamp } from '../../src/core/stamp.ts';
import { upload } from './pictures.ts';
import { discard, expectProblem, sha256, startService, type Running } from './support.ts';

const count = 360;
const startMs = Date.UTC(2026, 0, 1);
const words = ['sea', 'café', 'Night', 'zoo', '2031'];
const tags = ['holiday', 'work', 'Ünder', 'two words'];
let service: Running;
let library: Media[];

beforeAll(async () => {
  service = await startService();
  library = Array.from({ length: count }, (_, index) => sample(index));
  await service.holdfast.service.catalog.write({ changes: library.map(mediaChange) });
});
afterAll(() => discard(service));

/** Several share a millisecond, and every third is of another kind, so that pages end in the middle of both. */
function sample(index: number): Media {
  const createdMs = startMs + Math.floor(index / 3) * 60_000;
  const pick = <T>(list: readonly T[], seed: number) =>
    list.filter((_, at) => (index * seed) % (at + 3) === 0);
  const state = index % 11 === 0 ? 'trashed' : index % 17 === 0 ? 'purged' : 'live';
  return {
    ...{ id: ids.media(createdMs), stamp: formatStamp(createdMs, index, 'test'), state },
    ...{ blob: sha256(`blob ${index}`), sizeBytes: index + 1, extra: {}, owner: null, takenMs: null },
    ...{ kind: index % 3 === 0 ? 'video' : 'image', type: 'image/png', visibility: 'private' },
    ...{ name: `${pick(words, 5).join('_') || 'img'}.png`, tags: pick(tags, 7) },
    description: index % 5 === 0 ? 'about the Zoo, at night' : null,
    ...{ createdMs, updatedMs: createdMs, trashedMs: state === 'trashed' ? createdMs : null },
    purgedMs: state === 'purged' ? createdMs : null,
  };
}

interface Filter {
  kind?: string;
  tag?: string[];
  q?: string;
  before?: number;
  after?: number;
  trashed?: boolean;
}

/** What API.md says, over a plain array. */
function expected({ kind, tag = [], q = '', before, after, trashed = false }: Filter): string[] {
  return library
    .filter((media) => media.state === (trashed ? 'trashed' : 'live'))
    .filter((media) => kind === undefined || media.kind === kind)
    .filter((media) => tag.every((one) => media.tags.includes(one)))
    .filter((media) => fold(q).every((word) => wordsIn(media).has(word)))
    .filter((media) => before === undefined || media.createdMs < before)
    .filter((media) => after === undefined || media.createdMs >= after)
    .map((media) => media.id)
    .sort()
    .reverse();
}

function fold(text: string): string[] {
  const plain = text.replaceAll('é', 'e').replaceAll('Ü', 'u').toLowerCase();
  return plain.split(/[^a-z0-9]+/).filter((word) => word !== '');
}

function wordsIn({ name, tags: own, description }: Media): Set<string> {
  return new Set([name.replace('.png', ''), ...own, description ?? ''].flatMap(fold));
}

function queryOf({ kind, tag = [], q, before, after, trashed }: Filter): string {
  const query = new URLSearchParams();
  if (kind !== undefined) query.set('kind', kind);
  for (const one of tag) query.append('tag', one);
  if (q !== undefined) query.set('q', q);
  if (before !== undefined) query.set('before', new Date(before).toISOString());
  if (after !== undefined) query.set('after', new Date(after).toISOString());
  if (trashed !== undefined) query.set('trashed', String(trashed));
  return query.toString();
}

/** Walks the pages by `Link`, as a client would, and gives the ids of each. */
async function pages(filter: Filter, limit: number): Promise<string[][]> {
  const found: string[][] = [];
  let next: string | undefined = `/api/media?limit=${limit}&${queryOf(filter)}`;
  while (next !== undefined) {
    const res = await service.api.get(next);
    expect(res.status).toBe(200);
    found.push(res.body.items.map(({ id }: { id: string }) => id));
    const link = res.headers['link'];
    expect(link === undefined).toBe(res.body.nextCursor === null);
    next = link && /^<(.+)>; rel="next"$/.exec(link)?.[1];
    if (next !== undefined)
      expect(new URLSearchParams(next.split('?')[1]).get('cursor')).toBe(res.body.nextCursor);
  }
  return found;
}

const middle = startMs + 60 * 60_000;
const filters: Filter[] = [undefined, 'image', 'video'].flatMap((kind) =>
  [[], ['holiday'], ['holiday', 'work'], ['Ünder', 'two words'], ['none']].flatMap((tag) =>
    [undefined, 'sea', 'ZOO night', 'cafe 2031', 'nowhere'].flatMap((q) =>
      [
        {},
        { before: middle },
        { after: middle },
        { before: middle, after: middle - 20 * 60_000 },
        { trashed: true },
      ].map((more) => ({ ...(kind && { kind }), tag, ...(q && { q }), ...more })),
    ),
  ),
);

describe('A list of media', () => {
  test('holds what a plain filter finds, newest first, for every combination of filters', async () => {
    for (const filter of filters) {
      const res = await service.api.get(`/api/media?limit=200&${queryOf(filter)}`);
      const ids = res.body.items.map(({ id }: { id: string }) => id);
      expect({ filter, ids }).toEqual({ filter, ids: expected(filter).slice(0, 200) });
    }
    expect(filters.some((filter) => expected(filter).length > 100)).toBe(true);
    expect(filters.filter((filter) => expected(filter).length === 0).length).toBeLessThan(
      filters.length * 0.7,
    );
  });

  test.each([1, 2, 7, 50, 200])(
    'gives each media once, in full pages of %i, with any filter',
    async (limit) => {
      const some =
        limit === 1
          ? [{ kind: 'video', trashed: true }]
          : [{}, { kind: 'image' }, { tag: ['holiday'], q: 'sea' }, { trashed: true }];
      for (const filter of some) {
        const found = await pages(filter, limit);
        expect(found.flat()).toEqual(expected(filter));
        for (const page of found.slice(0, -1)) expect(page).toHaveLength(limit);
      }
    },
  );

  test('has 50 when no limit is given, and shows each as GET does', async () => {
    const res = await service.api.get('/api/media');
    expect(res.body.items).toHaveLength(50);
    const one = await service.api.get(`/api/media/${res.body.items[7].id}`);
    expect(res.body.items[7]).toEqual(one.body);
  });

  test('ends with nextCursor null just when nothing follows', async () => {
    const all = expected({ kind: 'video' });
    const res = await service.api.get(`/api/media?kind=video&limit=${all.length}`);
    expect(res.body.items).toHaveLength(all.length);
    expect(res.body.nextCursor).toBeNull();
    expect(res.headers['link']).toBeUndefined();
  });

  test('neither repeats nor skips when media come and go between two pages', async () => {
    const first = await service.api.get('/api/media?limit=5&kind=image');
    const added = await upload(service);
    const gone = first.body.items[4].id as string;
    await service.api.delete(`/api/media/${gone}`);
    const second = await service.api.get(`/api/media?limit=5&kind=image&cursor=${first.body.nextCursor}`);
    expect(second.body.items.map(({ id }: { id: string }) => id)).toEqual(
      expected({ kind: 'image' }).slice(5, 10),
    );
    await service.api.post(`/api/media/${gone}/untrash`);
    await service.api.delete(`/api/media/${added.id}?purge=true`);
  });

  test('before is exclusive and after inclusive, to the millisecond', async () => {
    const edge = startMs + 30 * 60_000;
    const count = async (query: Filter) =>
      (await service.api.get(`/api/media?limit=200&${queryOf(query)}`)).body.items.length;
    expect(await count({ before: edge + 1, after: edge })).toBe(
      expected({ before: edge + 1, after: edge }).length,
    );
    expect(await count({ before: edge + 1, after: edge })).toBeGreaterThan(0);
    expect(await count({ before: edge, after: edge })).toBe(0);
  });

  test('takes times with an offset from UTC', async () => {
    const utc = await service.api.get('/api/media?limit=200&after=2026-01-01T01:00:00Z');
    const east = await service.api.get(
      `/api/media?limit=200&after=${encodeURIComponent('2026-01-01T03:00:00+02:00')}`,
    );
    expect(east.body).toEqual(utc.body);
  });
});

test.each([
  ['limit=0', 'limit'],
  ['limit=201', 'limit'],
  ['limit=-1', 'limit'],
  ['limit=1.5', 'limit'],
  ['limit=ten', 'limit'],
  ['limit=1&limit=2', 'limit'],
  ['kind=pdf', 'kind'],
  ['kind=', 'kind'],
  ['before=yesterday', 'before'],
  ['before=2026-01-01', 'before'],
  ['after=2026-13-01T00:00:00Z', 'after'],
  ['trashed=perhaps', 'trashed'],
  ['tag=', 'tag'],
  [`tag=${'x'.repeat(101)}`, 'tag'],
  [`q=${'x'.repeat(201)}`, 'q'],
  [`cursor=${'x'.repeat(65)}`, 'cursor'],
])('The query %s is refused, and %s is named', async (query, member) => {
  const res = await service.api.get(`/api/media?${query}`);
  expectProblem(res, 'malformed');
  expect(res.body.wrong).toEqual([expect.stringMatching(new RegExp(`^${member}\\b`))]);
});

test('A cursor that is not one of ours is refused', async () => {
  for (const cursor of ['abc', '00000000000000000000000000;', '%00', '../../etc/passwd', 'Z'.repeat(26)]) {
    const res = await service.api.get(`/api/media?cursor=${cursor}`);
    expectProblem(res, 'malformed');
    expect(res.body.detail).toContain('cursor');
  }
});

test('Several mistakes in one query are all named', async () => {
  const res = await service.api.get('/api/media?limit=0&kind=pdf&after=x');
  expect(res.body.wrong).toHaveLength(3);
});
