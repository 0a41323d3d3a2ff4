/**
 * Measures Holdfast beside the plain way of doing it and prints tables in Markdown. See bench/README.md.
 *
 *     node bench/run.ts [rows…] [--rounds 3] [--seconds 3] [--only baseline,flushed,holdfast] [--sizes 1000,1000000]
 *                       [--dir folder] [--env NAME=value]… [--write] [--keep]
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { describeMachine, fileSystemType } from './machine.ts';
import { type Bench, type Row } from './measure.ts';
import { writeResults } from './results.ts';
import { backup } from './rows/backup.ts';
import { big } from './rows/big.ts';
import { downloads } from './rows/downloads.ts';
import { health } from './rows/health.ts';
import { list } from './rows/list.ts';
import { thumb } from './rows/thumb.ts';
import { raw, uploads } from './rows/uploads.ts';
import { CONTENDERS } from './servers.ts';
import { toMarkdown } from './table.ts';

const ROWS: { [name: string]: Row } = { uploads, raw, big, downloads, list, health, backup, thumb };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: CONTENDERS.join(',') },
    sizes: { type: 'string' },
    dir: { type: 'string', default: os.tmpdir() },
    env: { type: 'string', multiple: true, default: [] },
    write: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const bench = prepare();
  const machine = describeMachine(bench.folder);
  print(`${machine}; ${bench.rounds} rounds\n`);
  let failures = 0;
  for (const name of chosenRows()) {
    process.stderr.write(`${name}\n`);
    try {
      const tables = (await measured(name, bench)).join('\n\n');
      print(`${tables}\n`);
      if (values.write) writeResults(name, `${tables}\n\n${machine}; ${bench.rounds} rounds.`);
    } catch (error) {
      failures++;
      print(`**${name}** was not measured: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  return failures > 0 ? 1 : 0;
}

function chosenRows(): string[] {
  const unknown = positionals.filter((name) => !ROWS[name]);
  if (unknown.length > 0)
    throw new Error(`No such row: ${unknown.join(', ')}. There are ${Object.keys(ROWS).join(', ')}.`);
  return positionals.length > 0 ? positionals : Object.keys(ROWS);
}

async function measured(name: string, bench: Bench): Promise<string[]> {
  const sections = (await ROWS[name]?.(bench)) ?? [];
  const doubts = bench.problems.splice(0).map((problem) => `- In doubt: ${problem}`);
  return [...sections.map(toMarkdown), ...(doubts.length > 0 ? [doubts.join('\n')] : [])];
}

function prepare(): Bench {
  const contenders = CONTENDERS.filter((name) => values.only.split(',').includes(name));
  return {
    folder: makeFolder(),
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    contenders,
    env: Object.fromEntries(
      values.env.map((pair) => [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)]),
    ),
    sizes: values.sizes?.split(',').map(Number),
    problems: [],
  };
}

/** One folder for the whole run, removed when it ends, however it ends. */
function makeFolder(): string {
  mkdirSync(values.dir, { recursive: true });
  const parent = realpathSync(values.dir);
  if (fileSystemType(parent) === 'tmpfs')
    throw new Error('Flushing to memory costs nothing: name a folder on a disk with --dir.');
  const folder = mkdtempSync(path.join(parent, 'holdfast-bench-'));
  process.on('exit', () => {
    if (!values.keep) rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  return folder;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
