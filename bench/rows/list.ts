/** Pages of the list, whatever page and filter, at a thousand and at a million media. */
import { withFilled, type Filled } from '../filled.ts';
import { generate, type Row } from '../measure.ts';
import { note, type Line } from '../table.ts';

const REQUESTS = 200;
const SECONDS_EACH = 2;
const WALK_LIMIT_MS = 20_000;

type Page = { items: { name: string; tags: string[]; createdAt: string }[]; nextCursor: string | null };
type Query = { what: string; path: string; items: number };

export const list: Row = async (bench) => {
  const lines = new Map<string, Line>();
  let columns: string[] = [];
  await withFilled(bench, { sizes: [1000, 1_000_000], settings: {} }, async (filled) => {
    columns = filled.map(({ column }) => column);
    const queries = await Promise.all(filled.map(queriesFor));
    for (let round = 0; round < bench.rounds; round++) {
      for (const [index, { server, column }] of filled.entries()) {
        for (const { what, path } of queries[index] ?? []) {
          const line = lines.get(what) ?? {
            what: withCounts(what, queries.flat()),
            figures: {},
            must: '≤ 1.5',
          };
          lines.set(what, line);
          const report = await generate(bench, `${what}, ${column}`, {
            port: server.port,
            clients: 1,
            requests: REQUESTS,
            seconds: SECONDS_EACH,
            warmupSeconds: 0.2,
            work: { kind: 'request', method: 'GET', paths: [path] },
          });
          note(line.figures, column, report.p50Ms);
        }
      }
    }
  });
  const last = columns.at(-1) ?? '';
  const ratios = columns.slice(0, -1).map((column): [string, string] => [last, column]);
  return [
    {
      title: 'GET /api/media?limit=50',
      unit: 'p50 in ms (media in the page)',
      columns,
      ratios,
      lines: [...lines.values()],
    },
  ];
};

/** The filters are taken from what is in the catalog: its most and least frequent tag, a name, a moment in its middle. */
async function queriesFor({ count, server }: Filled): Promise<Query[]> {
  const fetchPage = (query: string) => page(server.port, query);
  const { items } = await fetchPage('limit=200');
  const tags = byFrequency(items.flatMap((item) => item.tags));
  const name = items.at(-1)?.name ?? '';
  const deep = await walkTo(count / 2, fetchPage);
  const filters: [string, string | undefined][] = [
    ['first page', ''],
    ['page in the middle', deep.cursor && `cursor=${encodeURIComponent(deep.cursor)}`],
    ['before, in the middle', `before=${encodeURIComponent(deep.createdAt)}`],
    ['after, in the middle', `after=${encodeURIComponent(deep.createdAt)}`],
    ['kind=image', 'kind=image'],
    ['kind=video', 'kind=video'],
    ['tag, frequent', tags[0] && `tag=${encodeURIComponent(tags[0])}`],
    ['tag, seldom', tags.length > 1 ? `tag=${encodeURIComponent(tags.at(-1) ?? '')}` : undefined],
    ['tag that nothing has', 'tag=no-media-has-this-tag'],
    ['kind and tag', tags[0] && `kind=video&tag=${encodeURIComponent(tags[0])}`],
    ['q, a whole name', `q=${encodeURIComponent(name)}`],
    ['q, what many names begin with', `q=${encodeURIComponent(name.slice(0, 3))}`],
    ['q that nothing matches', 'q=zzqxjkv'],
    ['trashed', 'trashed=true'],
  ];
  const queries: Query[] = [];
  for (const [what, query] of filters) {
    if (query === undefined) continue;
    queries.push({
      what,
      path: `/api/media?limit=50&${query}`,
      items: (await fetchPage(`limit=50&${query}`)).items.length,
    });
  }
  return queries;
}

/** Says how many media each catalog had to give: a page of three is cheaper than one of fifty, whatever the library's size. */
function withCounts(what: string, queries: Query[]): string {
  const counts = queries.filter((query) => query.what === what).map(({ items }) => items);
  return `${what} (${counts.join(' and ')})`;
}

async function walkTo(position: number, fetchPage: (query: string) => Promise<Page>) {
  const giveUpMs = performance.now() + WALK_LIMIT_MS;
  let current = await fetchPage('limit=200');
  for (let seen = 200; seen < position && current.nextCursor && performance.now() < giveUpMs; seen += 200) {
    current = await fetchPage(`limit=200&cursor=${encodeURIComponent(current.nextCursor)}`);
  }
  return {
    cursor: current.nextCursor ?? undefined,
    createdAt: current.items.at(-1)?.createdAt ?? new Date().toISOString(),
  };
}

async function page(port: number, query: string): Promise<Page> {
  const response = await fetch(`http://127.0.0.1:${port}/api/media?${query}`);
  if (!response.ok)
    throw new Error(`GET /api/media?${query} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Page;
}

function byFrequency(words: string[]): string[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([word]) => word);
}
