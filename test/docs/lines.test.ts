import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { readDoc, shellLines } from './pages.ts';

let dir: string;
let service: Service;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-docs-'));
  await mkdir(join(dir, 'data'));
  service = await startService({ dataDir: join(dir, 'data') });
  await picture(join(dir, 'photo.jpg'));
});
afterAll(async () => {
  await service.stop();
  await rm(dir, { recursive: true, force: true });
});

(has('curl', 'openssl', 'sed') ? describe : describe.skip)('The lines of the README (curl, openssl)', () => {
  test('do what they say, one after the other', async () => {
    const lines = shellLines(readDoc('README.md'), 'Try it');
    expect(lines).toContain('http://localhost:3000');
    const script = `curl() { command curl --fail-with-body --silent --show-error "$@"; }\n${lines.replace('http://localhost:3000', service.url)}`;
    const { status, stderr } = sh(script, dir);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(await readFile(join(dir, 'copy.jpg'))).toEqual(await readFile(join(dir, 'photo.jpg')));
    expect((await sharp(join(dir, 'thumb.webp')).metadata()).width).toBe(320);
    expect(await readFile(join(dir, 'first.bin'))).toHaveLength(100);
  });
});

(has('sqlite3', 'zstd', 'sha256sum') ? describe : describe.skip)(
  'The lines that restore by hand (sqlite3, zstd, sha256sum)',
  () => {
    test('bring back every media that is not purged, from the snapshot and the journal', async () => {
      const before = await upload(400, 300);
      await purge((await upload(410, 300)).id);
      await backup();
      const after = await upload(420, 300);
      await purge((await upload(430, 300)).id);
      await until('the vault to have every blob', everythingIsShipped, 20_000);
      const listed = (await (await fetch(`${service.url}/api/media?limit=200`)).json()) as { items: Media[] };
      const hand = join(dir, 'by-hand');
      await mkdir(hand);
      await cp(join(dir, 'data/backups'), join(hand, 'backups'), { recursive: true });

      const { status, stdout } = sh(shellLines(readDoc('docs/FORMAT.md'), 'Restore by hand'), hand);

      expect(status).toBe(0);
      const restored = stdout.match(/^\w{26}\.jpeg: OK$/gm)?.map((line) => line.slice(0, 26));
      expect(restored?.sort()).toEqual(listed.items.map(({ id }) => id).sort());
      expect(restored).toEqual(expect.arrayContaining([before.id, after.id]));
    });
  },
);

interface Media {
  id: string;
}

interface Health {
  vaults: { pendingChanges: number }[];
}

async function upload(width: number, height: number): Promise<Media> {
  const file = join(dir, 'another.jpg');
  await picture(file, width, height);
  const body = await readFile(file);
  const answer = await fetch(`${service.url}/api/uploads`, { method: 'POST', body });
  expect(answer.status).toBe(201);
  return (await answer.json()) as Media;
}

async function purge(id: string): Promise<void> {
  await fetch(`${service.url}/api/media/${id}?purge=true`, { method: 'DELETE' });
}

async function backup(): Promise<void> {
  expect((await fetch(`${service.url}/api/backup`, { method: 'POST' })).status).toBe(201);
}

async function everythingIsShipped(): Promise<boolean> {
  const health = (await (await fetch(`${service.url}/api/health`)).json()) as Health;
  return health.vaults[0]!.pendingChanges === 0;
}

async function picture(file: string, width = 1600, height = 1200): Promise<void> {
  const create = { width, height, channels: 3, background: '#48a' } as const;
  await writeFile(file, await sharp({ create }).jpeg().toBuffer());
}

function sh(script: string, cwd: string) {
  return spawnSync('sh', ['-eu'], { input: script, cwd, encoding: 'utf8' });
}

function has(...programs: string[]): boolean {
  try {
    for (const program of programs) execFileSync('sh', ['-c', `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
}
