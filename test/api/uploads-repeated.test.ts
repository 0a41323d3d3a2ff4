import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { picture, upload } from './pictures.ts';
import { adminKey, discard, expectProblem, filesIn, sha256, startService, type Running } from './support.ts';
import { head, openWire } from './wire.ts';

let service: Running;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => discard(service));

function send(key: string, bytes: Buffer) {
  return service.api
    .post('/api/uploads')
    .set({ 'Idempotency-Key': key, 'Content-Type': 'image/jpeg' })
    .send(bytes);
}

describe('The same Idempotency-Key', () => {
  test('with the same content gets the first answer again and makes no second media', async () => {
    const bytes = await picture();
    const first = await send('same', bytes);
    const again = await send('same', bytes);
    expect(first.status).toBe(201);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(again.status).toBe(201);
    expect(again.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: first.headers['location'],
      'repr-digest': first.headers['repr-digest'],
      'holdfast-durable': 'disk',
    });
    expect(again.text).toBe(first.text);
    const media = await service.api.get('/api/media');
    expect(media.body.items.filter((one: { sha256: string }) => one.sha256 === sha256(bytes))).toHaveLength(
      1,
    );
  });

  test('counts with and without the quotes of a structured field', async () => {
    const bytes = await picture();
    const first = await send('"8e03978e-40d5-43dd-bc93-6894a57f9324"', bytes);
    const again = await send('8e03978e-40d5-43dd-bc93-6894a57f9324', bytes);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.text).toBe(first.text);
  });

  test('with other content is refused, and the other content is not kept', async () => {
    await send('other', await picture());
    const before = await filesIn(`${service.dir}/uploads`);
    expectProblem(await send('other', await picture()), 'idempotency-mismatch');
    expect(await filesIn(`${service.dir}/uploads`)).toEqual(before);
  });

  test('with other content that is here already leaves those bytes in peace', async () => {
    const here = await upload(service);
    await send('known', await picture());
    const bytes = (await service.api.get(here.url)).body as Buffer;
    expectProblem(await send('known', bytes), 'idempotency-mismatch');
    expect(sha256((await service.api.get(here.url)).body)).toBe(here.sha256);
  });

  test('with the same bytes as a form and as a body is the same content', async () => {
    const bytes = await picture();
    const first = await send('form', bytes);
    const again = await service.api
      .post('/api/uploads')
      .set('Idempotency-Key', 'form')
      .attach('file', bytes, 'a.jpg');
    expect(again.text).toBe(first.text);
  });

  test('of a form of which a part failed gets the same 207 again', async () => {
    const bytes = await picture();
    const form = () =>
      service.api
        .post('/api/uploads')
        .set('Idempotency-Key', 'partly')
        .attach('files', bytes, '1.jpg')
        .attach('files', Buffer.from('text'), '2.txt');
    const first = await form();
    const again = await form();
    expect(first.status).toBe(207);
    expect(again.status).toBe(207);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.text).toBe(first.text);
  });

  test('after a refusal may be used for the corrected upload', async () => {
    expectProblem(await send('corrected', Buffer.from('text')), 'unsupported-type');
    expect((await send('corrected', await picture())).status).toBe(201);
  });

  test('while the first request still runs is told to wait, and may be used when that one was cut off', async () => {
    const bytes = await picture();
    const wire = await openWire(service.port);
    const asking = { Expect: '100-continue', 'Content-Length': bytes.length, 'Idempotency-Key': 'running' };
    wire.send(head('POST /api/uploads', asking));
    await wire.expectText(/^HTTP\/1.1 100 /); // it is inside
    wire.send(bytes.subarray(0, 100));
    let res = await send('running', bytes);
    expectProblem(res, 'idempotency-running');
    expect(res.headers['retry-after']).toBe('1');
    await wire.end();
    do res = await send('running', bytes);
    while (res.status === 409);
    expect(res.status).toBe(201);
  });

  test('sent by many at once makes one media', async () => {
    const bytes = await picture();
    const answers = await Promise.all(Array.from({ length: 8 }, () => send('many', bytes)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(201);
    expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([]);
    const media = await service.api.get('/api/media');
    expect(media.body.items.filter((one: { sha256: string }) => one.sha256 === sha256(bytes))).toHaveLength(
      1,
    );
  });

  test.each(['', 'é', 'x'.repeat(256), '\t', ' '])('that is none (%j) is refused', async (key) => {
    const wire = await openWire(service.port);
    const bytes = await picture();
    wire.send(head('POST /api/uploads', { 'Content-Length': bytes.length, 'Idempotency-Key': key }));
    wire.send(bytes);
    expect(await wire.expectText(/\}$/)).toMatch(/^HTTP\/1.1 400 /);
    await wire.end();
  });
});

test('The first answer outlives a restart, and the loss of the catalog', async () => {
  const bytes = await picture();
  const first = await send('lasting', bytes);
  await service.stop();
  service = await startService({}, service.dir);
  const afterRestart = await send('lasting', bytes);
  expect(afterRestart.headers['idempotency-replayed']).toBe('true');
  expect(afterRestart.text).toBe(first.text);

  await service.stop();
  for (const name of ['catalog.db', 'catalog.db-wal', 'catalog.db-shm'])
    await rm(`${service.dir}/${name}`, { force: true });
  service = await startService({}, service.dir);
  const afterLoss = await send('lasting', bytes);
  expect(afterLoss.headers['idempotency-replayed']).toBe('true');
  expect(afterLoss.text).toBe(first.text);
});

test('The keys of one caller mean nothing for another', async () => {
  const keyed = await startService({ ADMIN_KEY: adminKey });
  try {
    const bytes = await picture();
    const made = await keyed.api.post('/api/keys').send({ name: 'phone', scopes: ['upload'] });
    const post = (api: Running['api']) =>
      api.post('/api/uploads').set({ 'Idempotency-Key': 'shared', 'Content-Type': 'image/jpeg' }).send(bytes);
    const mine = await post(keyed.api);
    const theirs = await post(keyed.as(made.body.key));
    expect(theirs.status).toBe(201);
    expect(theirs.headers['idempotency-replayed']).toBeUndefined();
    expect(theirs.body.id).not.toBe(mine.body.id);
  } finally {
    await discard(keyed);
  }
});
