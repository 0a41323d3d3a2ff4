import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { lockFolder } from '../../src/host/lock.ts';

let dir: string;
const folders: string[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  dir = await newFolder();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lock-'));
  folders.push(folder);
  return folder;
}

const namesLeft = async () => (await readdir(join(dir, '.holdfast'))).sort();

describe('The lock of a folder', () => {
  test('is held by one only, and given up on release', async () => {
    const first = await lockFolder(dir);
    await expect(lockFolder(dir, { waitMs: 20 })).rejects.toMatchObject({ code: 'busy' });
    await first.release();
    await first.release();
    expect(await namesLeft()).toEqual([]);
    await (await lockFolder(dir, { waitMs: 0 })).release();
  });

  test('is got at once when the one before releases it, and waiting is told once', async () => {
    const first = await lockFolder(dir);
    let told = 0;
    const second = lockFolder(dir, { waitMs: 10_000, onWaiting: () => told++ });
    await expect(lockFolder(dir, { waitMs: 50 })).rejects.toMatchObject({ code: 'busy' });
    await first.release();
    await (await second).release();
    expect(told).toBe(1);
  });

  test('is one for each folder', async () => {
    const other = await newFolder();
    const both = await Promise.all([lockFolder(dir, { waitMs: 0 }), lockFolder(other, { waitMs: 0 })]);
    await Promise.all(both.map((lock) => lock.release()));
  });

  test('is never held twice, however many want it at once', async () => {
    let holders = 0;
    let most = 0;
    const take = async () => {
      const lock = await lockFolder(dir, { waitMs: 20_000 });
      most = Math.max(most, ++holders);
      await new Promise((resolve) => setTimeout(resolve, 2));
      holders--;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, take));
    expect(most).toBe(1);
    expect(await namesLeft()).toEqual([]);
  });

  test('does not mind a path that is too long for a socket', async () => {
    dir = join(dir, 'long'.repeat(30));
    await mkdir(dir);
    const lock = await lockFolder(dir);
    await expect(lockFolder(dir, { waitMs: 20 })).rejects.toMatchObject({ code: 'busy' });
    await lock.release();
  });

  test('is not held by what a copy of the folder brings along, or a crash before it was taken', async () => {
    await mkdir(join(dir, '.holdfast'));
    await writeFile(join(dir, '.holdfast', 'lock-of-a-copy'), '');
    await writeFile(join(dir, '.holdfast', 'claim-of-the-dead'), '');
    await utimes(join(dir, '.holdfast', 'claim-of-the-dead'), 0, 0);
    await writeFile(join(dir, '.holdfast', 'claim-of-the-living'), '');
    const lock = await lockFolder(dir, { waitMs: 0 });
    expect(await namesLeft()).toEqual(['claim-of-the-living', expect.stringMatching(/^lock-[0-9a-f]{8}-/)]);
    await lock.release();
  });

  const onOddDisk = canRun(['chattr', '-i', tmpdir()]) ? test : test.skip;
  onOddDisk(
    'is kept elsewhere where the disk takes no sockets (skipped without root and chattr)',
    async () => {
      const names = join(dir, '.holdfast');
      await mkdir(names);
      run(['chattr', '+i', names]); // answers as a file system without sockets does
      try {
        const lock = await lockFolder(dir, { waitMs: 0 });
        await expect(lockFolder(dir, { waitMs: 20 })).rejects.toMatchObject({ code: 'busy' });
        expect(await namesLeft()).toEqual([]);
        await lock.release();
      } finally {
        run(['chattr', '-i', names]);
        const { dev, ino } = await stat(dir);
        folders.push(join(tmpdir(), `holdfast-${dev}-${ino}`));
      }
    },
  );

  test('says that it cannot be had where the folder is none', async () => {
    await writeFile(join(dir, 'file'), '');
    await expect(lockFolder(join(dir, 'file'))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('Between two processes, the lock of a folder', () => {
  test('goes to the second as soon as the first is killed', async () => {
    const first = locker();
    expect(await first.said()).toBe('locked');
    const second = locker();
    expect(await second.said()).toBe('waiting');
    const third = locker();
    expect(await third.said()).toBe('waiting');

    const waiting = [second, third].map(async (waiter) => ({ waiter, said: await waiter.said() }));
    first.child.kill('SIGKILL');
    const { waiter: winner, said } = await Promise.race(waiting);
    expect(said).toBe('locked');
    winner.child.kill('SIGKILL');
    const last = await waiting[winner === second ? 1 : 0];
    expect(last).toMatchObject({ said: 'locked' });
  });

  test('stays with one that is stopped, as it may go on', async () => {
    const first = locker();
    expect(await first.said()).toBe('locked');
    first.child.kill('SIGSTOP');
    await expect(lockFolder(dir, { waitMs: 300 })).rejects.toMatchObject({ code: 'busy' });
    first.child.kill('SIGKILL');
    await (await lockFolder(dir, { waitMs: 10_000 })).release();
  });

  test('does not keep a process alive, and ends with it', async () => {
    const first = locker('');
    expect(await first.said()).toBe('locked');
    expect(await once(first.child, 'exit')).toEqual([0, null]);
    await (await lockFolder(dir, { waitMs: 0 })).release();
  });

  test('does not come along in a copy of the folder', async () => {
    const first = locker();
    expect(await first.said()).toBe('locked');
    const copy = join(await newFolder(), 'copy');
    run(['cp', '-a', dir, copy]);
    await (await lockFolder(copy, { waitMs: 0 })).release();
  });

  const namespaces = ['--net', '--pid', '--fork', '--mount', '--kill-child'];
  const withContainers = canRun(['unshare', ...namespaces, 'true']) ? test : test.skip;
  withContainers('is seen from another container (skipped without root and unshare)', async () => {
    const first = locker(undefined, ['unshare', ...namespaces]);
    expect(await first.said()).toBe('locked');
    await expect(lockFolder(dir, { waitMs: 300 })).rejects.toMatchObject({ code: 'busy' });
    first.child.kill('SIGKILL');
    await (await lockFolder(dir, { waitMs: 10_000 })).release();
  });

  const withUsers = canRun(['setpriv', '--reuid', '65534', 'true']) ? test : test.skip;
  withUsers('is seen by another user (skipped without root and setpriv)', async () => {
    run(['chmod', '0777', dir]);
    const first = locker();
    expect(await first.said()).toBe('locked');
    run(['chmod', '0777', join(dir, '.holdfast')]);
    const second = locker(undefined, ['setpriv', '--reuid', '65534']);
    expect(await second.said()).toBe('waiting');
    first.child.kill('SIGKILL');
    expect(await second.said()).toBe('locked');
  });
});

interface Locker {
  child: ChildProcess;
  said(): Promise<string>;
}

/** A process that takes the lock of `dir`, says so, and then lives until it is killed, or does what `then` says. */
function locker(then = 'setInterval(() => {}, 1000);', prefix: string[] = []): Locker {
  const code = `
    import { lockFolder } from ${JSON.stringify(new URL('../../src/host/lock.ts', import.meta.url).href)};
    await lockFolder(process.argv[1], { waitMs: 20_000, onWaiting: () => console.log('waiting') });
    console.log('locked');
    ${then}`;
  const [command = '', ...args] = [...prefix, process.execPath, '--input-type=module', '-e', code, dir];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, said: async () => String((await lines.next()).value) };
}

function canRun(words: string[]): boolean {
  try {
    run(words);
    return true;
  } catch {
    return false;
  }
}

function run([command = '', ...args]: string[]): void {
  execFileSync(command, args, { stdio: 'ignore' });
}
