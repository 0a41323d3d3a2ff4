import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../core/durable.ts';

/** Where everything lies under DATA_DIR. */
export interface Folders {
  readonly uploads: string;
  readonly backups: string;
  /** What was replaced, under dated names. Nothing in it is needed; an operator may delete it. */
  readonly aside: string;
  /** Files of a moment: emptied at each start. */
  readonly staging: string;
  readonly variants: string;
  /** Tells the command line how to reach the running process. */
  readonly running: string;
}

export function foldersIn(dataDir: string): Folders {
  const own = join(dataDir, '.holdfast');
  return {
    uploads: join(dataDir, 'uploads'),
    backups: join(dataDir, 'backups'),
    aside: join(dataDir, 'aside'),
    staging: join(own, 'staging'),
    variants: join(own, 'variants'),
    running: join(own, 'running.json'),
  };
}

/** Makes what is missing; safe to repeat. */
export async function makeFolders({ uploads, backups, staging, variants }: Folders): Promise<void> {
  for (const dir of [uploads, backups, staging, variants]) await makeFolder(dir);
}

/** Removes what a process that died had under way. Nothing in it was ever acknowledged. */
export async function emptyFolder(dir: string): Promise<number> {
  const names = await readdir(dir);
  for (const name of names) await rm(join(dir, name), { recursive: true, force: true });
  return names.length;
}
