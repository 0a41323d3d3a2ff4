import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small file system in memory. */
export interface SmallDisk {
  readonly dir: string;
  /** Takes up all room but so much, in a file of ours. Returns the file. */
  fill(leaveBytes: number): Promise<string>;
  /** Makes it larger while it is in use. */
  grow(sizeBytes: number): void;
  unmount(): void;
}

/** Whether this process may mount at all: it needs root, and a container needs CAP_SYS_ADMIN. */
export function canMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-mount-'));
  try {
    mountSmallDisk(dir, 1024 * 1024).unmount();
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export function mountSmallDisk(dir: string, sizeBytes: number): SmallDisk {
  mkdirSync(dir, { recursive: true });
  run('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'holdfast-test', dir);
  return {
    dir,
    async fill(leaveBytes) {
      const file = join(dir, 'filler');
      const { bavail, bsize } = await statfs(dir);
      await writeFile(file, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
      return file;
    },
    grow: (toBytes) => void run('mount', '-o', `remount,size=${toBytes}`, dir),
    unmount: () => unmount(dir),
  };
}

/** A process that was just killed may hold it for a moment: then it goes when that one is gone. */
export function unmount(dir: string): void {
  try {
    run('umount', dir);
  } catch {
    run('umount', '--lazy', dir);
  }
}

/** @throws with what the command printed */
export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Whether the command runs and succeeds. */
export function canRun(command: string, ...args: string[]): boolean {
  try {
    run(command, ...args);
    return true;
  } catch {
    return false;
  }
}
