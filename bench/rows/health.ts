/** How long a monitor waits for `GET /api/health` while 32 clients upload as fast as they can. */
import { setTimeout as sleep } from 'node:timers/promises';
import { generate, inRounds, smallPicture, type Row } from '../measure.ts';
import { note, type Figures } from '../table.ts';

// Several hundred answers a round: fewer make no p99.
const PROBE_SECONDS = 5;
const PAUSE_MS = 5;

export const health: Row = async (bench) => {
  const picture = await smallPicture(bench);
  const p50: Figures = {};
  const p99: Figures = {};
  const rate: Figures = {};
  await inRounds(bench, ['baseline', 'holdfast'], async ({ port }, contender) => {
    const uploading = generate(bench, `uploads beside health, ${contender}`, {
      port,
      clients: 32,
      requests: 1_000_000,
      seconds: PROBE_SECONDS + 1,
      warmupSeconds: 1,
      work: { kind: 'upload', as: 'multipart', picture },
    });
    await sleep(1500);
    const probing = generate(bench, `health, ${contender}`, {
      port,
      clients: 1,
      requests: 1_000_000,
      seconds: PROBE_SECONDS,
      pauseMs: PAUSE_MS,
      work: { kind: 'request', method: 'GET', paths: ['/api/health'] },
    });
    const [uploads, probes] = await Promise.all([uploading, probing]);
    note(p50, contender, probes.p50Ms);
    note(p99, contender, probes.p99Ms);
    note(rate, contender, uploads.perSecond);
  });
  return [
    {
      title: 'GET /api/health while 32 clients upload 100 KB',
      unit: 'one client',
      columns: ['baseline', 'holdfast'],
      ratios: [['holdfast', 'baseline']],
      lines: [
        { what: 'p50, ms', figures: p50, must: '' },
        { what: 'p99, ms', figures: p99, must: '≤ 1.0 × baseline' },
        { what: 'uploads/s meanwhile', figures: rate, must: '' },
      ],
    },
  ];
};
