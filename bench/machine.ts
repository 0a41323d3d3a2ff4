/** On what the figures were made, in one line: without it they mean nothing. */
import { readFileSync, readdirSync } from 'node:fs';
import os from 'node:os';
import process from 'node:process';

export function describeMachine(folder: string): string {
  const cores = os.availableParallelism();
  const model = os.cpus()[0]?.model.trim() ?? 'unknown processor';
  const memoryGb = Math.round(os.totalmem() / 1024 ** 3);
  const system = `${os.type()} ${os.release().split('-')[0]}`;
  return `${cores} cores (${model}), ${memoryGb} GB of memory, ${describeFileSystem(folder)}, ${system}, Node ${process.version}`;
}

/** @returns the type of the file system that holds `folder`, such as 'ext4' or 'tmpfs'. */
export function fileSystemType(folder: string): string {
  return mountOf(folder)?.type ?? 'unknown file system';
}

function describeFileSystem(folder: string): string {
  const mount = mountOf(folder);
  if (mount?.type !== 'ext4') return fileSystemType(folder);
  // With a journal a flush costs a commit of it, so the two are different file systems for our purpose.
  return hasJournal(mount.device) ? 'ext4 with a journal' : 'ext4 without a journal';
}

type Mount = { device: string; point: string; type: string };

function mountOf(folder: string): Mount | undefined {
  const mounts = lines('/proc/self/mounts').map((line): Mount => {
    const [device = '', point = '', type = ''] = line.split(' ');
    return { device, point, type };
  });
  const holding = mounts.filter(
    ({ point }) => point === '/' || folder === point || folder.startsWith(`${point}/`),
  );
  return holding.sort((a, b) => a.point.length - b.point.length).at(-1);
}

function hasJournal(device: string): boolean {
  const name = device.split('/').at(-1) ?? '';
  try {
    return readdirSync('/proc/fs/jbd2').some((entry) => entry.startsWith(`${name}-`));
  } catch {
    return false;
  }
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return []; // Not Linux.
  }
}
