import { randomInt, randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../core/error.ts';

/**
 * One of those who want to be alone in a folder. Node has no file locks, so it is a Unix socket: the kernel answers for
 * it as long as its process lives, and refuses from then on.
 *
 * A contender first listens, then takes a visible name, then knocks at every other name, and is alone if nobody answers.
 * Of two, the later to be named finds the earlier, so never are both alone. Who is not leaves, and tries again later. A
 * name that refuses belongs to the dead for certain, as who took it was listening: anyone may remove it at any time.
 */
export interface Contender {
  /** Those who answer; none: the folder is ours until we leave. */
  neighbours(): Promise<Neighbour[]>;
  leave(): Promise<void>;
}

export interface Neighbour {
  readonly gone: Promise<unknown>;
  /** Stops waiting for it. */
  forget(): void;
}

const unnamed = 'claim-';
const named = 'lock-';

export async function contend(folder: string): Promise<Contender> {
  const id = randomUUID();
  const claim = join(folder, unnamed + id);
  const name = join(folder, named + id);
  const visitors = new Set<Socket>();
  const server = createServer((visitor) => welcome(visitor, visitors)).unref();
  await listen(server, claim);
  let left: Promise<void> | undefined;

  return {
    async neighbours() {
      await rename(claim, name);
      const others = (await namesIn(folder, named)).filter((other) => other !== name);
      const answers = await Promise.all(others.map(knock));
      const alive = answers.filter((answer) => answer !== 'dead');
      if (alive.length === 0) await sweep(folder, (await stat(name)).mtimeMs);
      return alive;
    },
    leave: () => (left ??= leave()),
  };

  async function leave() {
    await rm(name, { force: true });
    for (const visitor of visitors) visitor.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // whoever may look into the folder may knock: a process of another user must not take us for dead
    server.listen({ path, writableAll: true, readableAll: true }, resolve);
  });
}

/** Keeps the connection until we leave: its end tells the visitor at once, so that nobody needs to ask again and again. */
function welcome(visitor: Socket, visitors: Set<Socket>): void {
  visitors.add(visitor);
  visitor.on('error', () => {});
  visitor.on('close', () => visitors.delete(visitor));
  visitor.resume().unref();
}

async function knock(name: string): Promise<Neighbour | 'dead'> {
  const door = connect(name);
  const closed = new Promise((resolve) => door.once('close', resolve));
  const refusal = await new Promise<unknown>((resolve) => {
    door.once('connect', () => resolve(undefined));
    door.on('error', resolve);
  });
  door.resume(); // or its end would never be read
  if (refusal === undefined) return { gone: closed.then(pause), forget: () => door.destroy() };
  if (!isDead.has(systemCode(refusal))) return askAgain(); // somebody is there who cannot take visitors now
  await rm(name, { force: true });
  return 'dead';
}

/** ENOENT: has left meanwhile. ENOTSOCK: a plain file, as some copies of the folder have in its place. */
const isDead = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK']);

function askAgain(): Neighbour {
  return { gone: sleep(200).then(pause), forget: () => {} };
}

/** Two who met must not come back at the same moment, to meet again. */
function pause(): Promise<void> {
  return sleep(randomInt(50));
}

/** Removes what was left by those who died before they had a name: the living have one within moments. */
async function sweep(folder: string, nowMs: number): Promise<void> {
  for (const claim of await namesIn(folder, unnamed)) {
    const made = await stat(claim).catch(() => undefined); // may just have got its name
    if (made && made.mtimeMs < nowMs - 60_000) await rm(claim, { force: true });
  }
}

async function namesIn(folder: string, prefix: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.startsWith(prefix)).map((name) => join(folder, name));
}
