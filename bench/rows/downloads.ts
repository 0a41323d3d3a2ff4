/** Downloads a second: many pictures of 100 KB, and one video of 64 MB. All were uploaded just before. */
import { generate, inRounds, settle, smallPicture, type Bench, type Row } from '../measure.ts';
import { type Server } from '../servers.ts';
import { note, type Figures } from '../table.ts';

const PICTURES = 1000;
const VIDEO_BYTES = 64 * 1024 ** 2;
const MB = 1024 ** 2;

export const downloads: Row = async (bench) => {
  const small: Figures = {};
  const large: Figures = {};
  await inRounds(bench, ['baseline', 'holdfast'], async (server, contender) => {
    const pictures = await uploadPictures(bench, server);
    const videos = await uploadVideo(bench, server);
    await settle(server);
    const limits = { port: server.port, requests: 1_000_000, seconds: bench.seconds, warmupSeconds: 1 };
    const pictureReport = await generate(bench, `downloads of 100 KB, ${contender}`, {
      ...limits,
      clients: 16,
      expectBytes: 100 * 1024,
      work: { kind: 'request', method: 'GET', paths: pictures },
    });
    note(small, contender, pictureReport.perSecond);
    const videoReport = await generate(bench, `downloads of 64 MB, ${contender}`, {
      ...limits,
      clients: 4,
      expectBytes: VIDEO_BYTES,
      work: { kind: 'request', method: 'GET', paths: videos },
    });
    note(large, contender, videoReport.receivedBytes / MB / videoReport.seconds);
  });
  return [
    {
      title: 'Downloads',
      unit: 'size and clients',
      columns: ['baseline', 'holdfast'],
      ratios: [['holdfast', 'baseline']],
      lines: [
        {
          what: `100 KB, ${PICTURES} different, 16 clients, answers/s`,
          figures: small,
          must: '1.5 × baseline',
        },
        { what: '64 MB, 4 clients, MB/s', figures: large, must: '2 × baseline' },
      ],
    },
  ];
};

async function uploadPictures(bench: Bench, { port }: Server): Promise<string[]> {
  const report = await generate(bench, 'uploads to download', {
    port,
    clients: 8,
    requests: PICTURES,
    seconds: 60,
    listAnswers: true,
    work: { kind: 'upload', as: 'multipart', picture: await smallPicture(bench) },
  });
  return report.answers.map(({ url }) => url);
}

async function uploadVideo(bench: Bench, { port }: Server): Promise<string[]> {
  const report = await generate(bench, 'upload to download', {
    port,
    clients: 1,
    requests: 1,
    seconds: 60,
    listAnswers: true,
    work: { kind: 'upload', as: 'multipart', videoBytes: VIDEO_BYTES },
  });
  return report.answers.map(({ url }) => url);
}
