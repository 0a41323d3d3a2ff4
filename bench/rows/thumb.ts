/** The first thumbnail of a picture of 12 megapixels, against sharp alone. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { freshFolder, inRounds, pictureFile, type Bench, type Row } from '../measure.ts';
import { distinct, idSource, splitPicture } from '../pictures.ts';
import { inherited, type Server } from '../servers.ts';
import { median, note, type Figures } from '../table.ts';

const run = promisify(execFile);

const PICTURES = 12;
// The first ones load code and open threads, on both sides.
const WARM_UP = 2;

export const thumb: Row = async (bench) => {
  const figures: Figures = {};
  const picture = await pictureFile(bench, { sizeBytes: 4 * 1024 ** 2, width: 4000, height: 3000 });
  await inRounds(bench, ['holdfast'], async (server) => {
    const files = await distinctFiles(bench, picture);
    note(figures, 'sharp alone', 1000 / median((await sharpAlone(bench, files)).slice(WARM_UP)));
    note(figures, 'holdfast', 1000 / median((await firstThumbnails(server, files)).slice(WARM_UP)));
  });
  return [
    {
      title:
        'The first GET /media/:id/thumb of a JPEG of 12 megapixels and 4 MB, from the answer to its upload on',
      unit: 'one after the other',
      columns: ['sharp alone', 'holdfast'],
      ratios: [['holdfast', 'sharp alone']],
      lines: [{ what: 'thumbnails/s', figures, must: '0.9 × sharp alone' }],
    },
  ];
};

async function distinctFiles(bench: Bench, picture: string): Promise<string[]> {
  const folder = await freshFolder(bench, 'pictures');
  const split = splitPicture(await readFile(picture));
  const nextId = idSource(randomBytes(8).toString('hex'));
  const files = Array.from({ length: PICTURES }, (_, index) => path.join(folder, `${index}.jpg`));
  for (const file of files) await writeFile(file, distinct(split, nextId()));
  return files;
}

/** In a process of its own with Holdfast's settings, VIPS_CONCURRENCY among them where it was given. */
async function sharpAlone(bench: Bench, files: string[]): Promise<number[]> {
  const script = path.join(import.meta.dirname, '..', 'thumb-alone.ts');
  const { stdout } = await run(process.execPath, [script, ...files], {
    env: { ...inherited(), ...bench.env },
  });
  return JSON.parse(stdout) as number[];
}

/**
 * A thumbnail may be begun as soon as its picture is there, so the clock runs from the answer to the upload on:
 * whoever makes it, and when, it cannot have been ready before.
 */
async function firstThumbnails({ port }: Server, files: string[]): Promise<number[]> {
  const milliseconds: number[] = [];
  for (const file of files) {
    const url = await upload(port, await readFile(file));
    const startMs = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}${url}/thumb`);
    const bytes = await response.arrayBuffer();
    milliseconds.push(performance.now() - startMs);
    if (!response.ok || bytes.byteLength === 0)
      throw new Error(`GET ${url}/thumb answered ${response.status}.`);
  }
  return milliseconds;
}

async function upload(port: number, body: Buffer<ArrayBuffer>): Promise<string> {
  const headers = { 'Content-Type': 'image/jpeg' };
  const response = await fetch(`http://127.0.0.1:${port}/api/uploads`, { method: 'POST', headers, body });
  if (response.status !== 201)
    throw new Error(`An upload was answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { url: string }).url;
}
