/** How a measurement is made: fresh folders, one server at a time, contenders in turn, and figures kept by round. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Load, type Report } from './load/plan.ts';
import { makePicture } from './pictures.ts';
import { inherited, startServer, type Contender, type Environment, type Server } from './servers.ts';
import { type Section } from './table.ts';

export type Bench = {
  /** Holds the data folders of all visits until the run has ended: deleting many files spoils the next figure. */
  folder: string;
  rounds: number;
  /** How long one figure is measured. */
  seconds: number;
  contenders: readonly Contender[];
  /** More settings for Holdfast. */
  env: Environment;
  /** How many media the filled catalogs hold; each row has its own where this is not given. */
  sizes: number[] | undefined;
  /** What makes a figure doubtful; printed under the tables. */
  problems: string[];
};

export type Row = (bench: Bench) => Promise<Section[]>;

const run = promisify(execFile);

/** Visits each of the contenders once a round, A B C A B C …, so that a slow minute of the machine meets all of them. */
export async function inRounds(
  bench: Bench,
  contenders: readonly Contender[],
  work: (server: Server, contender: Contender) => Promise<void>,
): Promise<void> {
  const chosen = contenders.filter((name) => bench.contenders.includes(name));
  if (chosen.length === 0)
    throw new Error(`it measures ${contenders.join(' and ')}, which --only leaves out.`);
  for (let round = 0; round < bench.rounds; round++) {
    for (const contender of chosen) {
      process.stderr.write(`  round ${round + 1}, ${contender}\n`);
      await visit(bench, contender, await freshFolder(bench, contender), (server) => work(server, contender));
    }
  }
}

/** Runs `work` against one server, started on `dataDir` and stopped whatever happens. */
async function visit(
  bench: Bench,
  contender: Contender,
  dataDir: string,
  work: (server: Server) => Promise<void>,
) {
  // What the one before left unwritten would otherwise be written during this one.
  await run('sync');
  const server = await startServer(contender, dataDir, bench.env);
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

let folders = 0;

export async function freshFolder(bench: Bench, name: string): Promise<string> {
  const folder = path.join(bench.folder, `${++folders}-${name}`);
  await mkdir(folder);
  return folder;
}

/** Runs the load generator. What it could not do is noted as a problem under `label`. */
export async function generate(bench: Bench, label: string, plan: Load): Promise<Report> {
  const timeoutMs = ((plan.warmupSeconds ?? 0) + plan.seconds + 60) * 1000;
  const generator = path.join(import.meta.dirname, 'load.ts');
  const options = { env: inherited(), timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await run(process.execPath, [generator, JSON.stringify(plan)], options);
  const report = JSON.parse(stdout) as Report;
  if (report.errors > 0)
    bench.problems.push(`${label}: ${report.errors} errors, the first: ${report.firstError ?? ''}`);
  else if (report.requests === 0) bench.problems.push(`${label}: not one answer in ${plan.seconds} s`);
  return report;
}

const pictures = new Map<string, Promise<string>>();

/** @returns the file of a picture to upload in distinct copies; made once a run. */
export function pictureFile(
  bench: Bench,
  { sizeBytes, width, height }: { sizeBytes: number; width: number; height: number },
) {
  const file = path.join(bench.folder, `${width}x${height}-${sizeBytes}.jpg`);
  const made =
    pictures.get(file) ??
    makePicture({ sizeBytes, width, height })
      .then((jpeg) => writeFile(file, jpeg))
      .then(() => file);
  pictures.set(file, made);
  return made;
}

/** A picture of 100 KB, the size most rows use. */
export function smallPicture(bench: Bench): Promise<string> {
  return pictureFile(bench, { sizeBytes: 100 * 1024, width: 800, height: 600 });
}

type Health = {
  jobs?: { waiting?: number; running?: number };
  vaults?: { pendingChanges?: number; pendingBytes?: number }[];
};

/** Waits until a server has no work of its own left, at most a minute. The baseline never has any. */
export async function settle(server: Server): Promise<void> {
  for (const giveUpMs = performance.now() + 60_000; performance.now() < giveUpMs; await sleep(200)) {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/health`);
    const { jobs, vaults = [] } = (await response.json()) as Health;
    const pending = vaults.reduce(
      (sum, vault) => sum + (vault.pendingChanges ?? 0) + (vault.pendingBytes ?? 0),
      0,
    );
    if (pending + (jobs?.waiting ?? 0) + (jobs?.running ?? 0) === 0) break;
  }
  await run('sync');
}
