import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Shown } from '../support/api.ts';
import { createBlobReader } from '../support/folder.ts';
import { startLoad, type Load } from '../support/load.ts';
import { makePictures, type Pictures } from '../support/pictures.ts';
import type { Random } from '../support/seeded.ts';
import { startService, type Service, type ServiceOptions } from '../support/service.ts';
import { createWitness, type Witness } from '../support/witness.ts';

/** A data folder, the service in it, and what its clients were told, over several rounds. */
export interface Scene {
  /** Everything of this scene; kept when a promise was broken. */
  readonly dir: string;
  readonly dataDir: string;
  readonly random: Random;
  readonly witness: Witness;
  readonly pictures: Pictures;
  readonly damageOf: ReturnType<typeof createBlobReader>;
  /** Backups by name, with what was listed when they were made. */
  readonly backups: Map<string, ReadonlyMap<string, Shown>>;
  /** Names of backups whose snapshots were damaged here. */
  readonly spoilt: Set<string>;
  /** Copies of the catalog as earlier rounds left it. */
  readonly oldCatalogs: string[];
  /** How its service is started. */
  readonly how: ServiceOptions;
  service: Service;
  /** Ids whose bytes have been fetched over HTTP since they were uploaded. */
  readonly fetched: Set<string>;
}

/** Where it plays, when not in a temporary folder and this project. */
interface Place {
  readonly dir: string;
  readonly dataDir: string;
  readonly root: string | undefined;
}

export async function openScene(name: string, random: Random, place?: Place): Promise<Scene> {
  const dir = place?.dir ?? (await mkdtemp(join(tmpdir(), 'holdfast-crash-')));
  const dataDir = place?.dataDir ?? join(dir, 'data');
  await mkdir(dataDir);
  const how: ServiceOptions = {
    dataDir,
    env: { BACKUP_EVERY: random.pick(['10', '40', '0']) },
    logFile: join(dir, 'service.log'),
    ...(place?.root !== undefined && { root: place.root }),
  };
  return {
    ...{ dir, dataDir, random, how },
    witness: createWitness(),
    pictures: await makePictures(name),
    damageOf: createBlobReader(dataDir),
    backups: new Map(),
    spoilt: new Set(),
    oldCatalogs: [],
    service: await startService(how),
    fetched: new Set(),
  };
}

export async function closeScene(scene: Scene): Promise<void> {
  await scene.service.kill();
  await rm(scene.dir, { recursive: true, force: true });
}

/** Clients at work, for as long as the caller lets them. Once `mayFail` says so, a refused request is like one without answer. */
export function work({ service, witness, pictures, random }: Scene, mayFail = () => false): Load {
  return startLoad({ url: service.url, witness, pictures, random, mayFail, clients: 6, mostPauseMs: 40 });
}
