import { setTimeout as sleep } from 'node:timers/promises';
import { listAll, NoAnswer, send } from '../support/api.ts';
import { makeBackup, verifyBackups } from './backups.ts';
import { damageBlobs, loseAllButBackups, loseUploads, untilShipped } from './blobs.ts';
import {
  cutCatalog,
  keepCatalog,
  loseCatalog,
  loseCatalogAndSnapshot,
  putOldCatalogBack,
} from './catalogs.ts';
import { checkBytes } from './check.ts';
import { killWhileRestoring } from './restoring.ts';
import { revive } from './revive.ts';
import { work, type Scene } from './scene.ts';

/** One round: work, a sudden end, perhaps damage, a new start, and everything that was promised is looked for. */
type Act = (scene: Scene) => Promise<string>;

const usual = { salvaged: false, tidy: true, fetchMost: 60 };
const salvaging = { salvaged: true, tidy: true, fetchMost: 60 };
const everything = { salvaged: false, tidy: true, fetchMost: Infinity };

export const acts = {
  kill: (scene) => afterKill(scene, async () => 'killed', usual),
  'no-catalog': (scene) => afterKill(scene, loseCatalog, salvaging),
  'cut-catalog': (scene) => afterKill(scene, cutCatalog, salvaging),
  'old-catalog': (scene) => afterKill(scene, putOldCatalogBack, salvaging),
  'no-catalog-after-backups': (scene) => afterBackups(scene, loseCatalog),
  'old-catalog-after-backups': (scene) => afterBackups(scene, putOldCatalogBack),
  'damaged-snapshot': (scene) => afterBackups(scene, loseCatalogAndSnapshot),
  'no-uploads': (scene) => afterShipping(scene, loseUploads),
  'only-backups': (scene) => afterShipping(scene, loseAllButBackups),
  'damaged-blobs': (scene) => afterShipping(scene, damageSome),
  'damaged-while-running': damageWhileRunning,
  'kill-while-backing-up': killWhileBackingUp,
  'kill-while-restoring': killWhileRestoring,
} satisfies Record<string, Act>;

export type ActName = keyof typeof acts;

async function afterKill(scene: Scene, wound: Act, options: typeof usual): Promise<string> {
  const clients = work(scene);
  await sleep(scene.random.between(20, 600));
  await scene.service.kill();
  await clients.finish();
  if (scene.oldCatalogs.length === 0) await keepCatalog(scene);
  const done = await wound(scene);
  await keepCatalog(scene);
  return `${clients.answers()} answers, ${done}; ${await revive(scene, options)}`;
}

/** A process that made several backups has let go of the first parts of its journal. */
async function afterBackups(scene: Scene, wound: Act): Promise<string> {
  await keepCatalog(scene);
  const clients = work(scene);
  for (let made = 0; made < 4; made++) {
    await makeBackup(scene);
    await sleep(scene.random.between(20, 100));
  }
  await scene.service.kill();
  await clients.finish();
  return `${clients.answers()} answers, 4 backups, ${await wound(scene)}; ${await revive(scene, salvaging)}`;
}

/** What only uploads/ has would be lost with it, so every upload is in backups/ first. */
async function afterShipping(scene: Scene, wound: Act): Promise<string> {
  await workAndShip(scene);
  await scene.service.kill();
  return `${await wound(scene)}; ${await revive(scene, everything)}`;
}

async function damageSome(scene: Scene): Promise<string> {
  return `${(await damageBlobs(scene)).length} blobs damaged`;
}

/** The running service has written or read these bytes just now, and must notice all the same. */
async function damageWhileRunning(scene: Scene): Promise<string> {
  await workAndShip(scene);
  const damaged = await damageBlobs(scene);
  for (const shown of (await listAll(scene.service.url)).values())
    if (damaged.includes(shown.sha256)) await checkBytes(scene, shown);
  await scene.service.kill();
  return `${damaged.length} blobs damaged while running; ${await revive(scene, usual)}`;
}

async function workAndShip(scene: Scene): Promise<void> {
  const clients = work(scene);
  await sleep(scene.random.between(20, 400));
  await clients.finish();
  await untilShipped(scene);
}

async function killWhileBackingUp(scene: Scene): Promise<string> {
  const clients = work(scene);
  await sleep(scene.random.between(20, 300));
  const asked = send(scene.service.url, 'POST', '/api/backup').catch((error: unknown) => {
    if (error instanceof NoAnswer) return undefined;
    throw error;
  });
  await sleep(scene.random.between(0, 400));
  await scene.service.kill();
  await clients.finish();
  const answer = await asked;
  const revived = await revive(scene, usual);
  const verified = await verifyBackups(scene, answer?.status === 201 ? answer.body.name : undefined);
  return `${clients.answers()} answers, backup ${answer?.status ?? 'cut off'}; ${revived}; ${verified}`;
}
