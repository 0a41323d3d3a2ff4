import { afterEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { send, upload, type Shown } from '../support/api.ts';
import { bring, expectExactly } from '../support/kept.ts';
import { makePictures } from '../support/pictures.ts';
import { isReady, launchService, startService, untilReady, type Service } from '../support/service.ts';

const services: Service[] = [];
let dir: string;

afterEach(async () => {
  for (const service of services.splice(0)) await service.kill();
  await rm(dir, { recursive: true, force: true });
});

test('A second process on one data folder waits for the first, and goes on where that one ended', async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-two-'));
  const [dataDir, pictures] = [join(dir, 'data'), await makePictures('two')];
  const kept = new Map<string, Shown>();
  const first = await startService({ dataDir, logFile: join(dir, 'first.log') });
  const second = await launchService({ dataDir, logFile: join(dir, 'second.log') });
  services.push(first, second);

  for (let at = 0; at < 20; at++) {
    expect((await bring(first.url, kept, pictures.small())).status).toBe(201);
    await sleep(100);
  }
  expect(second.running()).toBe(true);
  expect(await isReady(second.url)).toBe(false);
  const early = await upload(second.url, [{ ...pictures.small(), name: 'early.jpg' }], { how: 'raw' });
  expect([early.status, early.body.code]).toEqual([503, 'recovering']);
  expect((await send(second.url, 'GET', '/api/health')).body).toMatchObject({ status: 'fail' });

  await first.kill();
  await untilReady(second);
  await expectExactly(second.url, dataDir, kept);
  expect((await bring(second.url, kept, pictures.small())).status).toBe(201);
}, 60_000);
