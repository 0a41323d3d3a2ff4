import { expect } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import request, { type Response } from 'supertest';
import { readSettings } from '../../src/config.ts';
import { createApp } from '../../src/http/app.ts';
import { startServer } from '../../src/http/server.ts';
import { clock, ids, startHoldfast, type Holdfast } from '../../src/start.ts';
import { statusOf } from '../../src/http/problem.ts';

type Api = ReturnType<typeof request.agent>;
export type LogLine = Record<string, unknown> & { level: number; msg: string };

/** A whole service in this process, on a port of its own. */
export interface Running {
  readonly dir: string;
  readonly port: number;
  readonly url: string;
  readonly holdfast: Holdfast;
  /** Requests from this very machine, with the admin key where one is set. */
  readonly api: Api;
  /** Requests with this key, or with none. */
  as(key: string | null): Api;
  readonly log: readonly LogLine[];
  /** Behaves as a process that is starting, or stopping. */
  pretend(state: 'serving' | 'recovering' | 'stopping'): void;
  /** Ends the service; the folder stays. */
  stop(): Promise<void>;
}

/** In the path of every data folder here, so that no answer may have it. */
export const folderPrefix = 'holdfast-api-';

export const adminKey = 'admin-key-of-the-tests-0123456789';

/** Backups only on request, unless `env` says otherwise. `dir`: start on what an earlier one left. */
export async function startService(env: Record<string, string> = {}, dir?: string): Promise<Running> {
  const folder = dir ?? (await mkdtemp(join(tmpdir(), folderPrefix)));
  const quiet = { PORT: '0', HOST: '127.0.0.1', DATA_DIR: folder, BACKUP_EVERY: '0', BACKUP_CRON: 'off' };
  const settings = readSettings({ ...quiet, ...env }, folder, () => false);
  const { log, lines } = memoryLog();
  const holdfast = await startHoldfast(settings, log);
  let state: Parameters<Running['pretend']>[0] = 'serving';
  const app = createApp({
    ...{ settings: { ...settings, version: '0.0.0-test' }, log, clock, ids },
    service: () => (state === 'recovering' ? undefined : holdfast.service),
    stopping: () => state === 'stopping',
  });
  const server = await startServer(app, settings);
  const url = `http://127.0.0.1:${server.port}`;
  const as = (key: string | null) => {
    const agent = request.agent(url);
    if (key !== null) void agent.set('Authorization', `Bearer ${key}`);
    return agent;
  };
  return {
    ...{ dir: folder, port: server.port, url, holdfast, as, log: lines },
    api: as(settings.adminKey),
    pretend: (next) => (state = next),
    async stop() {
      await server.stop(0);
      await holdfast.close();
    },
  };
}

/** Ends a service and removes its folder. */
export async function discard(running: Running | undefined): Promise<void> {
  await running?.stop();
  if (running !== undefined) await rm(running.dir, { recursive: true, force: true });
}

function memoryLog() {
  const lines: LogLine[] = [];
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    lines.push(JSON.parse(chunk.toString()) as LogLine);
    done();
  };
  return { lines, log: pino({ level: 'info' }, new Writable({ write })) };
}

/** An answer that is a problem document of this code, complete, and tells nothing of the machine. */
export function expectProblem(res: Response, code: keyof typeof statusOf): void {
  const body = problemIn(res);
  expect({ status: res.status, code: body['code'] }).toEqual({ status: statusOf[code], code });
}

/** The members of a problem document, whatever its code. */
export function problemIn(res: Response): Record<string, unknown> {
  expect(res.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  const text = res.text ?? (res.body as Buffer).toString();
  const body = JSON.parse(text) as Record<string, unknown>;
  const code = body['code'] as keyof typeof statusOf;
  expect(body).toMatchObject({
    type: `urn:holdfast:problem:${code}`,
    title: expect.stringMatching(/./),
    status: res.status,
    detail: expect.stringMatching(/./),
    requestId: res.headers['x-request-id'],
  });
  expect(statusOf[code]).toBe(res.status);
  expectNoSecrets(text);
  return body;
}

/** Never a stack, a path of the server or a query. */
export function expectNoSecrets(text: string): void {
  expect(text).not.toContain(folderPrefix);
  expect(text).not.toMatch(/node_modules|\.ts\b|catalog\.db|SQLITE|select .* from|\n {4}at /i);
}

/** Everything a client can see, and every blob on the disk: what must be the same when nothing was changed. */
export async function stateOf(running: Running) {
  return {
    live: await allMedia(running, ''),
    trashed: await allMedia(running, '&trashed=true'),
    backups: (await running.api.get('/api/backups')).body.items,
    keys: (await running.api.get('/api/keys')).body.items.map(({ id }: { id: string }) => id),
    timelines: await filesIn(join(running.dir, 'backups/timelines')).then((all) =>
      all.filter((name) => /^\d+\.json$/.test(name)),
    ),
    uploads: await filesIn(join(running.dir, 'uploads')),
  };
}

/** Every media of every page. */
export async function allMedia(running: Running, filter: string): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = cursor === '' ? '' : `&cursor=${cursor}`;
    const res: Response = await running.api.get(`/api/media?limit=200${page}${filter}`);
    expect(res.status).toBe(200);
    items.push(...res.body.items);
    cursor = res.body.nextCursor;
  }
  return items;
}

/** Paths of all files below a folder, sorted. */
export async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((file) => join(file.parentPath, file.name).slice(dir.length + 1)).sort();
}

/** Paths and hashes of all files below a folder. */
export async function contentOf(dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of await filesIn(dir)) found[file] = sha256(await readFile(join(dir, file)));
  return found;
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function reprDigest(bytes: Uint8Array): string {
  return `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
}

/** Where a blob lies below the data folder. */
export function blobPath(running: Pick<Running, 'dir'>, id: string): string {
  return join(running.dir, 'uploads', id[0]!, id);
}

/** Waits until `isSo` is, so that a test need not guess how long something takes. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 20_000; !(await isSo());) {
    if (performance.now() > deadline) throw new Error(`still not so: ${isSo.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
