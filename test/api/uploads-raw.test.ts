import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { picture, video } from './pictures.ts';
import {
  discard,
  expectProblem,
  filesIn,
  reprDigest,
  sha256,
  startService,
  type Running,
} from './support.ts';
import { head, lastJson, openWire } from './wire.ts';

let service: Running;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => discard(service));

function send(bytes: Buffer, headers: Record<string, string> = {}) {
  return service.api
    .post('/api/uploads')
    .set({ 'Content-Type': 'image/jpeg', ...headers })
    .send(bytes);
}

describe('Bytes as the body', () => {
  test('are answered 201 with the media, its place, its digest and what was waited for', async () => {
    const bytes = await picture();
    const res = await send(bytes);
    expect(res.status).toBe(201);
    expect(res.headers).toMatchObject({
      location: `/api/media/${res.body.id}`,
      'repr-digest': reprDigest(bytes),
      'holdfast-durable': 'disk',
    });
    expect(res.body).toMatchObject({ sha256: sha256(bytes), size: bytes.length, type: 'image/jpeg' });
  });

  test('have the type of the bytes, whatever Content-Type says', async () => {
    const res = await send(video(), { 'Content-Type': 'text/html' });
    expect(res.body).toMatchObject({ type: 'video/mp4', name: 'upload.mp4' });
  });

  test('larger than what is taken into memory whole are kept just the same', async () => {
    const bytes = Buffer.concat([await picture(), Buffer.alloc(3 * 1024 * 1024, 7)]);
    const res = await send(bytes, { 'Repr-Digest': reprDigest(bytes) });
    expect(res.status).toBe(201);
    expect(res.body).toMatchObject({ sha256: sha256(bytes), size: bytes.length });
    const stored = await service.api.get(res.body.url);
    expect(sha256(stored.body)).toBe(sha256(bytes));
  });

  test('in chunks, without a length, are kept just the same', async () => {
    const bytes = await picture();
    const wire = await openWire(service.port);
    const chunks = [bytes.subarray(0, 100), bytes.subarray(100)];
    wire.send(head('POST /api/uploads', { 'Transfer-Encoding': 'chunked', Connection: 'close' }));
    for (const chunk of chunks)
      wire.send(Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]));
    wire.send('0\r\n\r\n');
    expect(await wire.expectText(/\}$/)).toMatch(/^HTTP\/1.1 201 /);
    expect(lastJson(wire.received())['sha256']).toBe(sha256(bytes));
    await wire.closed();
  });

  test('of the same picture twice say deduplicated', async () => {
    const bytes = await picture();
    expect((await send(bytes)).body.deduplicated).toBe(false);
    expect((await send(bytes)).body.deduplicated).toBe(true);
  });

  test('that end before their length leave nothing', async () => {
    const bytes = await picture();
    const before = await filesIn(`${service.dir}/uploads`);
    for (const length of [bytes.length + 10, 5_000_000]) {
      const wire = await openWire(service.port);
      wire.send(head('POST /api/uploads', { 'Content-Length': length }));
      wire.send(bytes);
      await wire.end();
    }
    expect((await send(await picture())).status).toBe(201);
    const after = await filesIn(`${service.dir}/uploads`);
    expect(after.length).toBe(before.length + 1);
    expect(after).not.toContainEqual(expect.stringContaining(sha256(bytes)));
  });
});

describe('A name in Content-Disposition', () => {
  test.each([
    ['attachment; filename="IMG 1.jpg"', 'IMG 1.jpg'],
    ['attachment; filename=IMG_1.jpg', 'IMG_1.jpg'],
    [`attachment; filename="x.jpg"; filename*=UTF-8''%E2%82%AC%20rates.jpg`, '€ rates.jpg'],
    ['attachment; filename="say \\"hi\\".jpg"', 'say "hi".jpg'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="C:\\\\Users\\\\me\\\\cat.jpg"', 'cat.jpg'],
    ['attachment; filename=".."', 'upload.jpg'],
    ['attachment; filename=""', 'upload.jpg'],
    [`attachment; filename*=UTF-8''%zz`, 'upload.jpg'],
    ['nonsense', 'upload.jpg'],
  ])('%s is shown as its last part', async (disposition, name) => {
    const res = await send(await picture(), { 'Content-Disposition': disposition });
    expect(res.status).toBe(201);
    expect(res.body.name).toBe(name);
  });

  test('sent as bare UTF-8 is read as that', async () => {
    const wire = await openWire(service.port);
    const bytes = await picture();
    const disposition = 'attachment; filename="Grüße 🎉.jpg"';
    wire.send(
      head('POST /api/uploads', { 'Content-Length': bytes.length, 'Content-Disposition': disposition }),
    );
    wire.send(bytes);
    await wire.expectText(/\}$/);
    expect(wire.received()).toMatch(/^HTTP\/1.1 201 /);
    expect(Buffer.from(String(lastJson(wire.received())['name']), 'latin1').toString()).toBe('Grüße 🎉.jpg');
    await wire.end();
  });

  test('of a thousand characters is cut before its ending', async () => {
    const res = await send(await picture(), {
      'Content-Disposition': `attachment; filename="${'a'.repeat(1000)}.jpg"`,
    });
    expect(res.body.name).toMatch(/^a{200,251}\.jpg$/);
  });
});

describe('Repr-Digest', () => {
  test.each([100, 2 * 1024 * 1024])('of the bytes is taken, %i more of them', async (more) => {
    const bytes = Buffer.concat([await picture(), Buffer.alloc(more)]);
    expect((await send(bytes, { 'Repr-Digest': reprDigest(bytes) })).status).toBe(201);
  });

  test.each([100, 2 * 1024 * 1024])(
    'of other bytes is refused and nothing is kept, %i more of them',
    async (more) => {
      const bytes = Buffer.concat([await picture(), Buffer.alloc(more)]);
      const before = await filesIn(`${service.dir}/uploads`);
      const res = await send(bytes, { 'Repr-Digest': reprDigest(Buffer.from('other')) });
      expectProblem(res, 'digest-mismatch');
      expect(await filesIn(`${service.dir}/uploads`)).toEqual(before);
    },
  );

  test('is found among digests of other kinds, which are not ours to check', async () => {
    const bytes = await picture();
    const good = await send(bytes, { 'Repr-Digest': `md5=:AAAA:, ${reprDigest(bytes)}` });
    expect(good.status).toBe(201);
    const bad = await send(bytes, { 'Repr-Digest': `md5=:AAAA:, ${reprDigest(Buffer.from('x'))}` });
    expectProblem(bad, 'digest-mismatch');
    expect((await send(bytes, { 'Repr-Digest': 'md5=:AAAA:' })).status).toBe(201);
  });

  test.each(['sha-256=abc', 'sha-256=:AAAA:', 'nonsense', 'sha-256=::'])(
    'that is none (%s) is refused',
    async (digest) => {
      expectProblem(await send(await picture(), { 'Repr-Digest': digest }), 'malformed');
    },
  );
});
