import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Paths of all files below a folder, relative to it. */
export async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

/**
 * What should not be in a data folder at rest: files of a moment, blobs that none of `named` is, and snapshots that no
 * backup and no timeline names.
 */
export async function litterIn(dataDir: string, named: ReadonlySet<string>): Promise<string[]> {
  const litter: string[] = [];
  for (const place of ['uploads/incoming', 'backups/incoming', '.holdfast/staging'])
    litter.push(...(await filesIn(join(dataDir, place))).map((file) => `${place}/${file}`));
  for (const file of await filesIn(join(dataDir, 'uploads'))) {
    const name = file.split('/').at(-1)!;
    if (!file.startsWith('incoming/') && !named.has(name)) litter.push(`uploads/${file}`);
  }
  for (const file of await filesIn(join(dataDir, 'backups')))
    if (file.endsWith('.tmp')) litter.push(`backups/${file}`);
  return [...litter, ...(await namelessSnapshots(join(dataDir, 'backups')))];
}

async function namelessSnapshots(vault: string): Promise<string[]> {
  const there = (await filesIn(vault)).filter(
    (file) => file.endsWith('.db.zst') && !file.startsWith('incoming/'),
  );
  const named = new Set<string | undefined>();
  for (const file of await filesIn(vault)) {
    if (!/^(backups|timelines)\/[^/]+\.json$/.test(file)) continue;
    const manifest = JSON.parse(await readFile(join(vault, file), 'utf8')) as { snapshot?: { path: string } };
    named.add(manifest.snapshot?.path);
  }
  return there.filter((file) => !named.has(file)).map((file) => `backups/${file}`);
}

/** Blobs in uploads/ whose bytes have been read and are what their name says; a second look costs only a stat. */
export function createBlobReader(dataDir: string) {
  const read = new Map<string, string>();

  /** What is wrong with the file of a blob; undefined: nothing. */
  return async function damageOf(sha256: string): Promise<string | undefined> {
    const path = join(dataDir, 'uploads', sha256[0]!, sha256);
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (found === undefined) return 'missing';
    const signature = `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    if (read.get(sha256) === signature) return undefined;
    if ((await hashOf(path)) !== sha256) return `damaged (${found.size} bytes)`;
    read.set(sha256, signature);
    return undefined;
  };
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
