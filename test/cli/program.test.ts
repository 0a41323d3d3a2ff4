import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { picture } from '../api/pictures.ts';

const program = fileURLToPath(new URL('../../bin/holdfast.mjs', import.meta.url));
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function start(args: string[]) {
  const env = {
    PATH: '/usr/bin:/bin',
    DATA_DIR: dir,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'info',
    BACKUP_CRON: 'off',
  };
  const child = spawn(process.execPath, [program, ...args], { cwd: dir, env });
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (printed.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed.err += chunk.toString()));
  const ended = new Promise<{ code: number | null }>((resolve) =>
    child.on('close', (code) => resolve({ code })),
  );
  return { child, printed, ended };
}

async function run(...args: string[]) {
  const { printed, ended } = start(args);
  return { ...(await ended), ...printed };
}

const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out);

describe('The program, with no service running', () => {
  test('makes, lists, verifies and restores backups in its folder', async () => {
    const made = await json('backup');
    expect(made).toMatchObject({ name: expect.stringMatching(/^backup-/), media: 0, reason: 'request' });
    const { items } = await json('backups');
    expect(items.map(({ name }: { name: string }) => name)).toEqual([made.name]);
    expect(await run('verify', made.name)).toMatchObject({
      code: 0,
      out: `${made.name} is good: 0 media, 0 blobs read.\n`,
    });
    expect(await json('restore', 'latest')).toMatchObject({
      restored: made.name,
      previous: expect.stringMatching(/^backup-/),
    });
  });

  test('ends with the code of what went wrong', async () => {
    expect(await run('restore', 'none')).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringMatching(/^holdfast: There is no such backup/),
    });
    const { items } = await json('backups');
    await writeFile(join(dir, 'backups/backups', `${items[0].name}.json`), 'damaged');
    expect((await run('verify', items[0].name)).code).toBe(5);
    await rm(join(dir, 'backups/backups', `${items[0].name}.json`));
    expect((await run('fly')).code).toBe(2);
  });

  test('doctor changes nothing and says what the next start would do', async () => {
    const before = await readdir(dir);
    const { code, out } = await run('doctor');
    expect(code).toBe(0);
    expect(out).toMatch(/^data +The catalog is sound\.$/m);
    expect(await readdir(dir)).toEqual(before);
  });
});

describe('The program, beside a running service', () => {
  let service: ReturnType<typeof start>;
  let url: string;

  beforeAll(async () => {
    service = start(['serve']);
    while (!service.printed.out.includes('Holdfast serves at')) {
      if (service.child.exitCode !== null)
        throw new Error(`ended: ${service.printed.out}${service.printed.err}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(service.printed.out)![0];
  });
  afterAll(async () => {
    service.child.kill('SIGTERM');
    await service.ended;
  });

  test('talks to that service: keys that it makes open it, until they are revoked', async () => {
    const made = await run('keys', 'add', 'phone', '--scopes', 'upload', 'read');
    expect(made).toMatchObject({ code: 0, err: '' });
    const headers = { Authorization: `Bearer ${made.out.trim()}`, 'Content-Type': 'image/jpeg' };
    const upload = await fetch(`${url}/api/uploads`, { method: 'POST', headers, body: await picture() });
    expect(upload.status).toBe(201);
    expect(await json('backup')).toMatchObject({ media: 1, blobs: 1 });
    const [key] = (await json('keys', 'list')).items;
    expect(key).toMatchObject({ name: 'phone', scopes: ['upload', 'read'] });
    expect((await run('keys', 'revoke', key.id)).code).toBe(0);
    const after = await fetch(`${url}/api/media`, { headers: { Authorization: headers.Authorization } });
    expect(after.status).toBe(401);
    expect((await run('keys', 'revoke', key.id)).code).toBe(3);
  });

  test('doctor tells how that service is', async () => {
    const { code, out } = await run('doctor');
    expect(code).toBe(0);
    expect(out).toMatch(/^service +runs: (ok|warn)$/m);
    expect(out).toMatch(/^data +1 media$/m);
  });

  test('ends in good order when it is told to, with 0, and leaves no note that it runs', async () => {
    service.child.kill('SIGTERM');
    expect(await service.ended).toEqual({ code: 0 });
    expect(service.printed.out).toContain('stopped');
    expect(await readdir(join(dir, '.holdfast'))).not.toContain('running.json');
  });
});
