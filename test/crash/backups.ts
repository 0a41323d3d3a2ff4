import { send } from '../support/api.ts';
import { until } from '../support/until.ts';
import { Violation } from '../support/witness.ts';
import type { Scene } from './scene.ts';

/** Returns its name. Another may be under way, which is asked for again. */
export async function makeBackup({ service }: Scene): Promise<string> {
  let name = '';
  const make = async () => {
    const { status, body } = await send(service.url, 'POST', '/api/backup');
    if (status === 201) name = body.name;
    else if (status !== 409)
      throw new Violation(`POST /api/backup was answered with ${status}: ${JSON.stringify(body)}`);
    return status === 201;
  };
  await until('a backup', make, 20_000);
  return name;
}

/** Backups that are read whole in one round; older ones were read when they were new. */
const mostVerified = 4;

/** Every backup that is listed must be whole unless it was spoilt here, and `promised` must be listed. */
export async function verifyBackups({ service, spoilt }: Scene, promised?: string): Promise<string> {
  const { body } = await send(service.url, 'GET', '/api/backups');
  const items = body.items as { name: string; damaged?: string }[];
  if (promised !== undefined && !items.some(({ name }) => name === promised))
    throw new Violation(`backup ${promised} was answered with 201 and is not listed`);
  const damaged = items.find((one) => one.damaged !== undefined);
  if (damaged !== undefined) throw new Violation(`a backup is listed as damaged: ${JSON.stringify(damaged)}`);
  for (const { name } of items.slice(0, mostVerified)) {
    const { status, body: found } = await send(service.url, 'POST', `/api/backups/${name}/verify`);
    if (status !== (spoilt.has(name) ? 422 : 200))
      throw new Violation(`verifying ${name} was answered with ${status}: ${JSON.stringify(found)}`);
  }
  return `${Math.min(items.length, mostVerified)} of ${items.length} backups verified`;
}
