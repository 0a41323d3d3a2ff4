import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seeded, type Random } from '../support/seeded.ts';
import { acts, type ActName } from './acts.ts';
import { closeScene, openScene, type Scene } from './scene.ts';

/**
 * Kills the service again and again, damages its folder, and looks for everything it promised.
 * Ends with 1 at the first promise that was broken, and keeps the folder.
 */

const roundsAFolder = 10;
/** Plain kills are the most usual end, so they are dealt more often. */
const deck: ActName[] = [
  ...(Object.keys(acts) as ActName[]),
  'kill',
  'kill',
  'kill',
  'no-catalog',
  'kill-while-restoring',
];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** Names of acts, separated by commas. */
    only: { type: 'string', default: '' },
    without: { type: 'string', default: '' },
    verbose: { type: 'boolean', default: false },
  },
});

process.exitCode = await run();

async function run(): Promise<number> {
  const random = seeded(Number(values.seed));
  const dealt = dealer(random.branch('acts'));
  const counts = new Map<string, number>();
  const startMs = performance.now();
  let scene: Scene | undefined;
  process.stdout.write(`crash: ${values.rounds} rounds, seed ${values.seed}\n`);
  for (let round = 0; round < Number(values.rounds); round++) {
    const act = dealt();
    try {
      if (scene !== undefined && round % roundsAFolder === 0) await closeScene(scene);
      if (round % roundsAFolder === 0)
        scene = await openScene(`${values.seed}-${round}`, random.branch(`scene ${round}`));
      const beforeMs = performance.now();
      const happened = await acts[act](scene!);
      counts.set(act, (counts.get(act) ?? 0) + 1);
      if (values.verbose) say(round, act, `${happened} (${Math.round(performance.now() - beforeMs)} ms)`);
    } catch (error) {
      await scene?.service.kill();
      say(round, act, `BROKEN: ${error instanceof Error ? error.stack : String(error)}`);
      if (scene !== undefined)
        process.stdout.write(`kept: ${scene.dir}, log ${join(scene.dir, 'service.log')}\n`);
      return 1;
    }
  }
  if (scene !== undefined) await closeScene(scene);
  const each = [...counts].map(([act, count]) => `${act} ${count}`).sort();
  const seconds = Math.round((performance.now() - startMs) / 1000);
  process.stdout.write(
    `crash: every promise held in ${values.rounds} rounds and ${seconds} s: ${each.join(', ')}\n`,
  );
  return 0;
}

function say(round: number, act: string, what: string): void {
  process.stdout.write(`${String(round).padStart(4)} ${act}: ${what}\n`);
}

/** Deals each act of the deck before any comes again. */
function dealer(random: Random): () => ActName {
  const only = values.only === '' ? deck : (values.only.split(',') as ActName[]);
  const chosen = only.filter((act) => !values.without.split(',').includes(act));
  let left: ActName[] = [];
  return () => {
    if (left.length === 0) left = random.shuffled(chosen);
    return left.pop()!;
  };
}
