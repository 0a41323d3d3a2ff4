import { beforeAll, describe, expect, test } from '@jest/globals';
import { Kysely, SqliteDialect, type LogEvent } from 'kysely';
import { listMedia, mediaByIdText, prepareMediaById } from '../../src/catalog/read.ts';
import type { Schema } from '../../src/catalog/schema.ts';
import type { MediaQuery } from '../../src/core/catalog.ts';
import { mediaIdAt } from '../../src/core/clock.ts';
import { mediaChange } from '../../src/core/media.ts';
import { catalogInMemory, mediaAt } from './rows.ts';

const count = 3000;
let asked: { sql: string; parameters: readonly unknown[] }[];
let memory: Awaited<ReturnType<typeof catalogInMemory>>;
let db: Kysely<Schema>;

beforeAll(async () => {
  memory = await catalogInMemory();
  memory.apply({
    changes: Array.from({ length: count }, (_, index) =>
      mediaChange(
        mediaAt(index + 1, {
          kind: index % 4 === 0 ? 'video' : 'image',
          state: index % 10 === 0 ? 'trashed' : 'live',
          name: `common ${index % 2 === 0 ? 'even' : 'odd'}.jpg`,
          tags: index % 1000 === 7 ? ['rare'] : ['usual'],
        }),
      ),
    ),
  });
  const log = (event: LogEvent) =>
    void asked.push({ sql: event.query.sql, parameters: event.query.parameters });
  db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: memory.db }), log });
});

async function list(query: Partial<MediaQuery>) {
  asked = [];
  const found = await listMedia(db, { limit: 50, state: 'live', ...query });
  return { found, asked };
}

/** How SQLite goes about a query, one line a step. */
function planOf({ sql, parameters }: (typeof asked)[number]): string[] {
  const steps = memory.db.prepare(`explain query plan ${sql}`).all(...parameters) as { detail: string }[];
  return steps.map(({ detail }) => detail);
}

const bounds = [
  {},
  { belowId: mediaIdAt(2000) },
  { fromId: mediaIdAt(500) },
  { belowId: mediaIdAt(2000), fromId: mediaIdAt(500) },
];
const filters: Partial<MediaQuery>[] = [
  {},
  { tags: ['rare'] },
  { tags: ['usual'] },
  { words: ['common'] },
  { words: ['common even'] },
  { tags: ['usual'], words: ['odd', 'common'] },
  { tags: ['none'] },
];
const queries = bounds.flatMap((bound) =>
  filters.flatMap((filter) =>
    [{}, { kind: 'image' as const }, { kind: 'video' as const }, { state: 'trashed' as const }].map(
      (more) => ({ ...filter, ...bound, ...more }),
    ),
  ),
);

describe('A page of media', () => {
  test.each(queries.map((query) => [query]))(
    '%j is read from indexes alone, in their order',
    async (query) => {
      for (const one of (await list({ ...query, limit: 3 })).asked) {
        const plan = planOf(one);
        const steps = plan.filter((step) => /\b(media|terms|blobs)\b/.test(step));
        expect(steps.length).toBeGreaterThan(0);
        for (const step of steps) expect(step).toMatch(/^SEARCH /);
        if (/ limit /.test(one.sql)) expect(plan.join('\n')).not.toMatch(/TEMP B-TREE/);
      }
    },
  );

  test('holds the newest, the limit at the most, in order', async () => {
    const { found } = await list({ limit: 7 });
    const ids = found.map(({ id }) => id);
    expect(ids).toHaveLength(7);
    expect(ids).toEqual([...ids].sort().reverse());
    expect(found.every(({ state }) => state === 'live')).toBe(true);
    expect(ids[0]).toBe(mediaAt(count).id);
  });

  test('costs as many queries at the end of the library as at its start', async () => {
    const counts = [];
    for (const belowId of [mediaIdAt(count), mediaIdAt(count / 2), mediaIdAt(100)])
      counts.push((await list({ belowId })).asked.length);
    expect(new Set(counts)).toEqual(new Set([3]));
  });

  test('of a rare and a common term follows the rare one', async () => {
    const { found, asked } = await list({ tags: ['rare'], words: ['common'] });
    expect(found).toHaveLength(3);
    expect(asked.length).toBeLessThan(30);
    const turned = await list({ words: ['common'], tags: ['rare'] });
    expect(turned.found).toEqual(found);
  });

  test('of terms that never meet ends, and is empty', async () => {
    const { found, asked } = await list({ words: ['even odd'], limit: 5, fromId: mediaIdAt(count - 100) });
    expect(found).toEqual([]);
    expect(asked.length).toBeLessThan(300);
  });

  test('of words that have no letter or digit is empty', async () => {
    expect((await list({ words: ['?!'] })).found).toEqual([]);
  });
});

test('One media is read by its key, and its blob by its own', () => {
  expect(prepareMediaById(memory.db)(mediaAt(5).id)?.id).toBe(mediaAt(5).id);
  const plan = memory.db.prepare(`explain query plan ${mediaByIdText}`).all('') as { detail: string }[];
  for (const { detail } of plan) expect(detail).toMatch(/^SEARCH /);
});
