/** Uploads a second of 100 KB: as a form everywhere, or Holdfast's raw bodies against the baseline's forms. */
import { generate, inRounds, smallPicture, type Bench, type Row } from '../measure.ts';
import { type Contender } from '../servers.ts';
import { note, type Line, type Section } from '../table.ts';

export const uploads: Row = (bench) =>
  uploadRow(bench, {
    title: 'Uploads of 100 KB as multipart/form-data',
    contenders: ['baseline', 'flushed', 'holdfast'],
    as: () => 'multipart',
    must: '1.0 × baseline, 1.8 × flushed',
  });

export const raw: Row = (bench) =>
  uploadRow(bench, {
    title: 'Uploads of 100 KB, Holdfast with a raw body, the others as multipart/form-data',
    contenders: ['baseline', 'holdfast'],
    as: (contender) => (contender === 'holdfast' ? 'raw' : 'multipart'),
    must: '1.2 × baseline',
  });

type Plan = {
  title: string;
  contenders: Contender[];
  as: (contender: Contender) => 'multipart' | 'raw';
  must: string;
};

const MOST_UPLOADS = 4000;

async function uploadRow(bench: Bench, { title, contenders, as, must }: Plan): Promise<Section[]> {
  const picture = await smallPicture(bench);
  const lines = [16, 64].map((clients) => ({ clients, what: `${clients} clients`, figures: {}, must }));
  await inRounds(bench, contenders, async ({ port }, contender) => {
    for (const { clients, what, figures } of lines) {
      const report = await generate(bench, `${title}, ${contender}, ${what}`, {
        port,
        clients,
        requests: MOST_UPLOADS,
        seconds: bench.seconds,
        warmupSeconds: 1,
        work: { kind: 'upload', as: as(contender), picture },
      });
      note(figures, contender, report.perSecond);
    }
  });
  return [
    {
      title,
      unit: 'uploads/s',
      columns: contenders,
      ratios: ratiosOf(contenders),
      lines: lines satisfies Line[],
    },
  ];
}

function ratiosOf(contenders: Contender[]): [string, string][] {
  const pairs: [Contender, Contender][] = [
    ['flushed', 'baseline'],
    ['holdfast', 'baseline'],
    ['holdfast', 'flushed'],
  ];
  return pairs.filter((pair) => pair.every((name) => contenders.includes(name)));
}
