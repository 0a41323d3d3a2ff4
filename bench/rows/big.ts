/** One upload of 1 GB: how fast, and how much memory the server needed for it. */
import { statfs } from 'node:fs/promises';
import { generate, inRounds, type Bench, type Row } from '../measure.ts';
import { note, type Figures } from '../table.ts';

const VIDEO_BYTES = 1024 ** 3;
const MB = 1024 ** 2;

export const big: Row = async (bench) => {
  await checkRoom(bench);
  const rate: Figures = {};
  const peak: Figures = {};
  await inRounds(bench, ['baseline', 'flushed', 'holdfast'], async (server, contender) => {
    const report = await generate(bench, `1 GB upload, ${contender}`, {
      port: server.port,
      clients: 1,
      requests: 1,
      seconds: 120,
      work: { kind: 'upload', as: 'multipart', videoBytes: VIDEO_BYTES },
    });
    note(rate, contender, report.sentBytes / MB / report.seconds);
    note(peak, contender, server.peakBytes() / MB);
  });
  return [
    {
      title: 'One upload of 1 GB as multipart/form-data',
      unit: 'one client',
      columns: ['baseline', 'flushed', 'holdfast'],
      ratios: [
        ['holdfast', 'baseline'],
        ['holdfast', 'flushed'],
      ],
      lines: [
        { what: 'MB/s', figures: rate, must: '1.0 × baseline' },
        { what: 'peak memory, MB', figures: peak, must: 'holdfast ≤ 150 MB' },
      ],
    },
  ];
};

/** All videos stay until the run ends, Holdfast's twice: in uploads/ and in backups/. */
async function checkRoom(bench: Bench): Promise<void> {
  const copies = bench.contenders.reduce((sum, contender) => sum + (contender === 'holdfast' ? 2 : 1), 0);
  const neededBytes = (copies * bench.rounds + 1) * VIDEO_BYTES;
  const { bavail, bsize } = await statfs(bench.folder);
  if (bavail * bsize < neededBytes) throw new Error(`it needs ${neededBytes / MB} MB of room; see --dir.`);
}
