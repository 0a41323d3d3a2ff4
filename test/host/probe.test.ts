import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProbe } from '../../src/host/probe.ts';

let nowMs: number;
let dir: string;
const clock = { nowMs: () => 0, monotonicMs: () => nowMs };

beforeEach(async () => {
  nowMs = 1000;
  dir = await mkdtemp(join(tmpdir(), 'holdfast-probe-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('The probe', () => {
  test('says that a folder takes files, and leaves nothing there', async () => {
    expect(await createProbe({ dir, clock })()).toEqual({ writable: true });
    expect(await readdir(dir)).toEqual([]);
  });

  test('asks the disk at most once in five seconds', async () => {
    const files: string[] = [];
    const probe = createProbe({ dir, clock, attempt: async (file) => void files.push(file) });
    await probe();
    nowMs += 4999;
    await probe();
    expect(files).toHaveLength(1);
    nowMs += 1;
    await probe();
    expect(files).toHaveLength(2);
    expect(files[0]).toBe(files[1]);
  });

  test('asks once for all who ask at the same time', async () => {
    let asked = 0;
    const probe = createProbe({ dir, clock, everyMs: 0, attempt: async () => void asked++ });
    const all = await Promise.all([probe(), probe(), probe()]);
    expect(all).toEqual([{ writable: true }, { writable: true }, { writable: true }]);
    expect(asked).toBe(1);
  });

  test('has a name of its own in each process', async () => {
    const files = new Set<string>();
    const attempt = async (file: string) => void files.add(file);
    await Promise.all([createProbe({ dir, clock, attempt })(), createProbe({ dir, clock, attempt })()]);
    expect(files.size).toBe(2);
  });

  test('removes what dead probes left, and nothing else', async () => {
    await writeFile(join(dir, '.probe-of-the-dead'), '');
    await writeFile(join(dir, 'catalog.db'), '');
    await createProbe({ dir, clock })();
    expect(await readdir(dir)).toEqual(['catalog.db']);
  });

  test('says what is wrong without naming a folder, and says so for five seconds', async () => {
    const probe = createProbe({ dir, clock });
    await rm(dir, { recursive: true });
    const gone = { writable: false, reason: 'the folder is gone' };
    expect(await probe()).toEqual(gone);
    await mkdir(dir);
    expect(await probe()).toEqual(gone);
  });

  test.each([
    ['EIO', 'the disk reports errors'],
    ['EWEIRD', 'the disk failed (EWEIRD)'],
    [undefined, 'the disk failed'],
  ])('never throws: %s', async (code, reason) => {
    const failure = Object.assign(new Error('fsync /data/x'), { code });
    const probe = createProbe({ dir, clock, attempt: () => Promise.reject(failure) });
    expect(await probe()).toEqual({ writable: false, reason });
  });

  test('does not wait for a disk that hangs, does not ask it again meanwhile, and sees it recover', async () => {
    let asked = 0;
    const disk = Promise.withResolvers<void>();
    const probe = createProbe({
      dir,
      clock,
      timeoutMs: 20,
      attempt: async () => (asked++, await disk.promise),
    });
    const slow = { writable: false, reason: 'the disk did not answer within 0.02 seconds' };
    expect(await probe()).toEqual(slow);
    nowMs += 5000;
    expect(await probe()).toEqual(slow);
    expect(asked).toBe(1);
    disk.resolve();
    await new Promise(setImmediate);
    expect(await probe()).toEqual({ writable: true });
    expect(asked).toBe(2);
  });
});

// A real file system that is full or read-only takes root and mount(8); where they are missing, this is skipped by name.
const mounted = mountMemory();
const onRealDisk = mounted === undefined ? describe.skip : describe;

onRealDisk('The probe of a real disk (skipped without root and mount)', () => {
  const folder = mounted ?? '';
  afterAll(() => {
    run(['umount', folder]);
    rmSync(folder, { recursive: true });
  });

  test('finds it full, leaves no litter, and finds that it has room again', async () => {
    const probe = createProbe({ dir: folder, clock });
    const fill = join(folder, 'fill');
    await expect(writeFile(fill, Buffer.alloc(2 ** 20))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await probe()).toEqual({ writable: false, reason: 'the disk is full' });
    expect(await readdir(folder)).toEqual(['fill']);
    await rm(fill);
    nowMs += 5000;
    expect(await probe()).toEqual({ writable: true });
  });

  test('finds it read-only, and finds that it can be written to again', async () => {
    const probe = createProbe({ dir: folder, clock });
    run(['mount', '-o', 'remount,ro', folder]);
    expect(await probe()).toEqual({ writable: false, reason: 'the disk is read-only' });
    run(['mount', '-o', 'remount,rw', folder]);
    nowMs += 5000;
    expect(await probe()).toEqual({ writable: true });
  });
});

function mountMemory(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-probe-mount-'));
  try {
    run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
}

function run([command = '', ...args]: string[]): void {
  execFileSync(command, args, { stdio: 'ignore' });
}
