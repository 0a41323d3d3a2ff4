/** Holdfast on catalogs that already hold many media, written there directly by bench/fill.ts. */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { freshFolder, settle, type Bench } from './measure.ts';
import { startServer, type Server } from './servers.ts';

/** Puts `count` media into the catalog of an empty data folder that no process has open. */
type Fill = (dataDir: string, count: number) => unknown;

export type Filled = { count: number; column: string; server: Server };

/**
 * Starts one Holdfast for each size, all at once, since one that nobody asks costs nothing; the figures of a round then
 * lie seconds apart. `settings` are this row's, under those of the command line.
 */
export async function withFilled(
  bench: Bench,
  { sizes, settings }: { sizes: number[]; settings: { [name: string]: string } },
  work: (filled: Filled[]) => Promise<void>,
): Promise<void> {
  if (!bench.contenders.includes('holdfast'))
    throw new Error('it measures holdfast, which --only leaves out.');
  const fill = await importFill();
  const filled: Filled[] = [];
  try {
    for (const count of bench.sizes ?? sizes) {
      process.stderr.write(`  filling a catalog with ${count} media\n`);
      const dataDir = await freshFolder(bench, `holdfast-${count}`);
      await fill(dataDir, count);
      const server = await startServer('holdfast', dataDir, { ...settings, ...bench.env });
      filled.push({ count, column: `${count.toLocaleString('en')} media`, server });
    }
    for (const { server } of filled) await settle(server);
    await work(filled);
  } finally {
    await Promise.all(filled.map(({ server }) => server.stop()));
  }
}

async function importFill(): Promise<Fill> {
  const file = new URL('./fill.ts', import.meta.url);
  if (!existsSync(file))
    throw new Error('it needs bench/fill.ts, which exports fill(dataDir, count) and is missing.');
  const { fill } = (await import(file.href)) as { fill: Fill };
  return fill;
}
