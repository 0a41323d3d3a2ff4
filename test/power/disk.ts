import { mkdirSync, renameSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canRun, run } from '../support/mounts.ts';

/** An ext4 file system in a file, whose power can be cut. */
export interface Disk {
  /** Where it is mounted. */
  readonly dir: string;
  /** From now on nothing reaches the file any more, and what the kernel held back is lost. */
  cutPower(): void;
  /** What a machine does after a power cut: a check where there is no journal to replay, then mounting. */
  mountAgain(): Promise<void>;
  unmount(): Promise<void>;
}

const diskBytes = 768 * 1024 * 1024;

export async function createDisk(dir: string, { journal }: { journal: boolean }): Promise<Disk> {
  const [file, mounted] = [join(dir, 'disk.img'), join(dir, 'disk')];
  await writeFile(file, '');
  await truncate(file, diskBytes);
  run('mkfs.ext4', '-q', '-F', ...(journal ? [] : ['-O', '^has_journal']), file);
  mkdirSync(mounted, { recursive: true });
  mount();

  function mount() {
    run('mount', '-o', 'loop', file, mounted);
  }

  async function unmount() {
    for (let tries = 1; ; tries++) {
      try {
        return void run('umount', mounted);
      } catch (error) {
        if (tries === 50) throw error;
        await sleep(50); // the last threads of a killed process let go of their files a moment after it is gone
      }
    }
  }

  return {
    dir: mounted,
    cutPower: () => cutPower(mounted),
    async mountAgain() {
      // unmounting would still write what the block device holds back, so what counts is the file as it is now
      run('cp', '--sparse=always', file, `${file}.cut`);
      await unmount();
      renameSync(`${file}.cut`, file);
      if (!journal) check(file);
      mount();
    },
    unmount,
  };
}

/**
 * EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: the file system goes down without writing anything more, not even
 * its journal. What had already been handed to the loop device stays, as on a disk whose own cache survives.
 */
function cutPower(mounted: string): void {
  if (canRun('xfs_io', '-V')) run('xfs_io', '-x', '-c', 'shutdown', mounted);
  else run('python3', '-c', shutdownScript, mounted);
}

const shutdownScript = `
import fcntl, os, struct, sys
EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NOLOGFLUSH = 2
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), EXT4_IOC_SHUTDOWN, struct.pack('I', NOLOGFLUSH))
`;

/** Exit code 1 says that it found something and mended it. */
function check(file: string): void {
  try {
    run('e2fsck', '-fy', file);
  } catch (error) {
    if ((error as { status?: number }).status !== 1) throw error;
  }
}

/** Why this machine cannot do it; undefined: it can. */
export function whyNot(dir: string): string | undefined {
  if (process.getuid?.() !== 0) return 'this needs root';
  for (const [command, ...args] of [
    ['mkfs.ext4', '-V'],
    ['e2fsck', '-V'],
    ['losetup', '--version'],
  ] as const)
    if (!canRun(command, ...args)) return `there is no ${command}`;
  if (!canRun('xfs_io', '-V') && !canRun('python3', '--version'))
    return 'there is neither xfs_io nor python3';
  if (!canRun('losetup', '--find')) return 'there are no loop devices';
  return canMountLoop(dir) ? undefined : 'a loop device cannot be mounted here';
}

function canMountLoop(dir: string): boolean {
  const [file, mounted] = [join(dir, 'try.img'), join(dir, 'try')];
  mkdirSync(mounted);
  if (!canRun('truncate', '-s', '16M', file) || !canRun('mkfs.ext4', '-q', '-F', file)) return false;
  return canRun('mount', '-o', 'loop', file, mounted) && canRun('umount', mounted);
}
