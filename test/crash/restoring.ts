import { setTimeout as sleep } from 'node:timers/promises';
import { listAll, NoAnswer, send, type Shown } from '../support/api.ts';
import { differences } from '../support/face.ts';
import { Violation } from '../support/witness.ts';
import { makeBackup, verifyBackups } from './backups.ts';
import { checkScene } from './check.ts';
import { startAgain } from './revive.ts';
import { work, type Scene } from './scene.ts';

type Listed = ReadonlyMap<string, Shown>;

/** After the next start, a restore that was killed shows the old state or the new one, and never some of each. */
export async function killWhileRestoring(scene: Scene): Promise<string> {
  const { random, backups, witness } = scene;
  if (backups.size === 0) await makeKnownBackup(scene);
  await workShortly(scene);
  if (random.next() < 0.5) await makeKnownBackup(scene);
  await workShortly(scene);
  const old = await listAll(scene.service.url);
  const name = random.pick([...backups.keys()]);
  const answered = await restoreAndKill(scene, name);
  const started = await startAgain(scene);
  const found = await listAll(scene.service.url);
  const state = whichState(found, old, backups.get(name)!, answered);
  if (state === 'new') witness.become(found);
  scene.fetched.clear(); // what came back may have lost its bytes
  const media = await checkScene(scene, { salvaged: false, tidy: true, fetchMost: 0 });
  const verified = await verifyBackups(scene);
  return `restore ${answered ? 'answered' : 'cut off'}, ${state} state; ${started}, ${media} media; ${verified}`;
}

function whichState(found: Listed, old: Listed, restored: Listed, answered: boolean): 'old' | 'new' {
  const fromNew = differences(restored, found);
  if (fromNew.length === 0) return 'new';
  if (answered) throw new Violation(`a restore was answered with 200, and then: ${fromNew.join('; ')}`);
  const fromOld = differences(old, found);
  if (fromOld.length === 0) return 'old';
  const [toNew, toOld] = [fromNew.join('; '), fromOld.join('; ')];
  throw new Violation(
    `a restore left a mix. Against the backup: ${toNew}. Against what was before: ${toOld}`,
  );
}

async function workShortly(scene: Scene): Promise<void> {
  const clients = work(scene);
  await sleep(scene.random.between(20, 250));
  await clients.finish();
}

/** Nobody writes meanwhile, so what is listed is what the backup holds. */
async function makeKnownBackup(scene: Scene): Promise<void> {
  scene.backups.set(await makeBackup(scene), await listAll(scene.service.url));
}

/** True: it was answered, so it must hold. */
async function restoreAndKill({ service, random }: Scene, name: string): Promise<boolean> {
  const asked = send(service.url, 'POST', `/api/restore/${name}`).catch((error: unknown) => {
    if (error instanceof NoAnswer) return undefined;
    throw error;
  });
  await sleep(random.between(0, 700));
  await service.kill();
  const answer = await asked;
  if (answer === undefined || answer.status === 200) return answer !== undefined;
  throw new Violation(`restoring ${name} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
}
