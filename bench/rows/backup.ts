/** What a backup costs after ten more uploads, by the size of the library, and what uploads notice of backups. */
import { withFilled, type Filled } from '../filled.ts';
import { type Work } from '../load/requests.ts';
import { generate, smallPicture, type Bench, type Row } from '../measure.ts';
import { note, type Figures } from '../table.ts';

// Backups that come by themselves would do the work before the one that is timed.
const NO_BACKUPS_OF_ITS_OWN = { BACKUP_EVERY: '1000000000' };
const MANY = 1_000_000;

const MAKE_BACKUP: Work = { kind: 'request', method: 'POST', paths: ['/api/backup'] };

export const backup: Row = async (bench) => {
  const milliseconds: Figures = {};
  const p99: Figures = {};
  let columns: string[] = [];
  await withFilled(
    bench,
    { sizes: [1000, 10_000, 100_000], settings: NO_BACKUPS_OF_ITS_OWN },
    async (filled) => {
      columns = filled.map(({ column }) => column);
      // The first backup holds everything; what is measured is one that holds what came since.
      for (const one of filled) await makeBackup(bench, one);
      for (let round = 0; round < bench.rounds; round++) {
        for (const one of filled) {
          await upload(bench, one, { clients: 1, requests: 10, seconds: 30 });
          note(milliseconds, one.column, await makeBackup(bench, one));
        }
      }
      const largest = filled.at(-1);
      for (let round = 0; largest && round < bench.rounds; round++) {
        note(
          p99,
          'alone',
          await upload(bench, largest, { clients: 16, requests: MANY, seconds: bench.seconds }),
        );
        const backups = makeBackups(bench, largest);
        note(
          p99,
          'during backups',
          await upload(bench, largest, { clients: 16, requests: MANY, seconds: bench.seconds }),
        );
        await backups;
      }
    },
  );
  const [first = '', ...larger] = columns;
  return [
    {
      title: 'POST /api/backup after 10 uploads of 100 KB',
      unit: 'from request to answer',
      columns,
      ratios: larger.map((column) => [column, first]),
      lines: [{ what: 'ms', figures: milliseconds, must: '≤ 50 ms, ≤ 1.5' }],
    },
    {
      title: `Uploads of 100 KB by 16 clients at ${columns.at(-1) ?? ''}, while one backup follows the other`,
      unit: 'uploads',
      columns: ['alone', 'during backups'],
      ratios: [['during backups', 'alone']],
      lines: [{ what: 'p99, ms', figures: p99, must: '≤ 1.2' }],
    },
  ];
};

async function makeBackup(bench: Bench, { server, column }: Filled): Promise<number> {
  const limits = { clients: 1, requests: 1, seconds: 300, expectStatus: 201 };
  const report = await generate(bench, `backup, ${column}`, {
    port: server.port,
    ...limits,
    work: MAKE_BACKUP,
  });
  return report.p50Ms;
}

/** Backups for as long as the uploads of one figure last. */
async function makeBackups(bench: Bench, { server, column }: Filled): Promise<void> {
  const limits = { clients: 1, requests: MANY, seconds: bench.seconds + 1, pauseMs: 200, expectStatus: 201 };
  await generate(bench, `backups beside uploads, ${column}`, {
    port: server.port,
    ...limits,
    work: MAKE_BACKUP,
  });
}

/** @returns the p99 in milliseconds. */
async function upload(
  bench: Bench,
  { server, column }: Filled,
  limits: { clients: number; requests: number; seconds: number },
) {
  const warmupSeconds = limits.requests === MANY ? 1 : 0;
  const work = { kind: 'upload', as: 'multipart', picture: await smallPicture(bench) } as const;
  const report = await generate(bench, `uploads beside backups, ${column}`, {
    port: server.port,
    ...limits,
    warmupSeconds,
    work,
  });
  return report.p99Ms;
}
