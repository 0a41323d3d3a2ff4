import { setTimeout as sleep } from 'node:timers/promises';
import { launchService, startService } from '../support/service.ts';
import { checkScene, type CheckOptions } from './check.ts';
import type { Scene } from './scene.ts';

/** Starts the service again on the same folder and holds it against everything that was promised. */
export async function revive(scene: Scene, options: CheckOptions): Promise<string> {
  const started = await startAgain(scene);
  return `${started}, ${await checkScene(scene, options)} media`;
}

/** Now and then it is killed while it recovers, as recovering must be safe to repeat. */
export async function startAgain(scene: Scene): Promise<string> {
  const { how, random } = scene;
  const deaths = random.next() < 0.15 ? random.between(1, 3) : 0;
  for (let death = 0; death < deaths; death++) {
    const service = await launchService(how);
    await sleep(random.between(200, 1000));
    await service.kill();
  }
  const beforeMs = performance.now();
  scene.service = await startService(how);
  const took = `up in ${Math.round(performance.now() - beforeMs)} ms`;
  return deaths === 0 ? took : `killed ${deaths} × while starting, ${took}`;
}
