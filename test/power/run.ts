import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { verifyBackups } from '../crash/backups.ts';
import { loseCatalog } from '../crash/catalogs.ts';
import { revive } from '../crash/revive.ts';
import { openScene, work, type Scene } from '../crash/scene.ts';
import { send } from '../support/api.ts';
import { seeded } from '../support/seeded.ts';
import { createDisk, whyNot, type Disk } from './disk.ts';

/**
 * Cuts the power of the disk under a busy service again and again, and looks for everything it promised.
 * Ends with 1 at the first promise that was broken, and keeps the disk; with 0 where no disk can be mounted.
 */

const roundsADisk = 5;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** `journal`, `no-journal`, or both in turn. */
    only: { type: 'string', default: '' },
    /** A copy of the project to run instead of this one: one without its flushes must fail. */
    root: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

process.exitCode = await run();

async function run(): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-power-'));
  const reason = whyNot(dir);
  if (reason !== undefined) {
    process.stdout.write(`power: skipped, as ${reason}\n`);
    await rm(dir, { recursive: true });
    return 0;
  }
  process.stdout.write(`power: ${values.rounds} rounds, seed ${values.seed}\n`);
  const broken = await rounds(dir);
  if (broken !== undefined) {
    process.stdout.write(`BROKEN: ${broken}\nkept: ${dir}\n`);
    return 1;
  }
  await rm(dir, { recursive: true });
  process.stdout.write(`power: every promise held in ${values.rounds} rounds\n`);
  return 0;
}

/** Returns what was broken. */
async function rounds(dir: string): Promise<string | undefined> {
  const random = seeded(Number(values.seed));
  const kinds = values.only === '' ? ['journal', 'no-journal'] : [values.only];
  for (let [disks, left] = [0, Number(values.rounds)]; left > 0; disks++, left -= roundsADisk) {
    const kind = kinds[disks % kinds.length]!;
    const disk = await createDisk(dir, { journal: kind === 'journal' });
    let scene: Scene | undefined;
    try {
      const name = `power-${values.seed}-${disks}`;
      const place = { dir, dataDir: join(disk.dir, 'data'), root: values.root };
      scene = await openScene(name, random.branch(name), place);
      for (let round = 0; round < Math.min(left, roundsADisk); round++)
        say(kind, await cutAndLook(scene, disk, { tidy: kind === 'journal' }));
    } catch (error) {
      return `on ext4 with ${kind}: ${error instanceof Error ? error.stack : String(error)}`;
    } finally {
      await scene?.service.kill();
      await disk.unmount();
    }
  }
  return undefined;
}

/**
 * Without a journal, e2fsck may bring back names whose removal was never flushed, even as those of other files. So nothing
 * is said about litter there; but what was flushed must be there all the same.
 */
async function cutAndLook(scene: Scene, disk: Disk, { tidy }: { tidy: boolean }): Promise<string> {
  let cut = false;
  const clients = work(scene, () => cut);
  await sleep(scene.random.between(50, 900));
  if (scene.random.next() < 0.3) send(scene.service.url, 'POST', '/api/backup').catch(() => undefined);
  await sleep(scene.random.between(0, 300));
  cut = true; // from here on a client may be told that its upload failed
  disk.cutPower();
  await scene.service.kill();
  await clients.finish();
  await disk.mountAgain();
  const salvaged = scene.random.next() < 0.35; // then what was promised must be in the journal, too
  const done = salvaged ? `power cut, ${await loseCatalog(scene)}` : 'power cut';
  const revived = await revive(scene, { salvaged, tidy, fetchMost: Infinity });
  return `${clients.answers()} answers, ${done}; ${revived}; ${await verifyBackups(scene)}`;
}

function say(kind: string, what: string): void {
  if (values.verbose) process.stdout.write(`${kind}: ${what}\n`);
}
