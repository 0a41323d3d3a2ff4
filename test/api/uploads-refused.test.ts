import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { picture } from './pictures.ts';
import { adminKey, discard, expectProblem, filesIn, sha256, startService, type Running } from './support.ts';
import { head, lastJson, openWire } from './wire.ts';

const maxBytes = 100_000;
let service: Running;
let before: string[];

beforeAll(async () => {
  const limits = { MAX_UPLOAD_BYTES: String(maxBytes), MAX_FILES_PER_UPLOAD: '3', MAX_PIXELS: '1000000' };
  service = await startService({ ...limits, ADMIN_KEY: adminKey });
});
beforeEach(async () => {
  before = await filesIn(`${service.dir}/uploads`);
});
afterAll(() => discard(service));

const authorization = { Authorization: `Bearer ${adminKey}` };
const nothingWasKept = async () => expect(await filesIn(`${service.dir}/uploads`)).toEqual(before);

function send(bytes: Buffer) {
  return service.api.post('/api/uploads').set('Content-Type', 'image/jpeg').send(bytes);
}

async function pictureOf(bytes: number): Promise<Buffer> {
  const one = await picture();
  return Buffer.concat([one, Buffer.alloc(bytes - one.length)]);
}

describe('A file that is too large', () => {
  test('is taken with the most bytes allowed, and refused with one more', async () => {
    expect((await send(await pictureOf(maxBytes))).status).toBe(201);
    const res = await send(await pictureOf(maxBytes + 1));
    expectProblem(res, 'too-large');
    expect(res.body.maxBytes).toBe(maxBytes);
  });

  test('is refused before any of its bytes have come', async () => {
    const wire = await openWire(service.port);
    wire.send(head('POST /api/uploads', { ...authorization, 'Content-Length': maxBytes + 1 }));
    expect(await wire.expectText(/\}$/)).toMatch(/^HTTP\/1.1 413 /);
    expect(wire.received()).toMatch(/\r\nConnection: close\r\n/i);
    expect(lastJson(wire.received())).toMatchObject({ code: 'too-large', maxBytes });
    await wire.end();
    await nothingWasKept();
  });

  test('in chunks is refused as soon as it is too large', async () => {
    const wire = await openWire(service.port);
    wire.send(head('POST /api/uploads', { ...authorization, 'Transfer-Encoding': 'chunked' }));
    const chunk = Buffer.concat([await picture(), Buffer.alloc(60_000)]);
    for (let sent = 0; sent < 2; sent += 1)
      wire.send(Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]));
    expect(await wire.expectText(/\}$/)).toMatch(/^HTTP\/1.1 413 /);
    await wire.end();
    await nothingWasKept();
  });

  test('in a form costs that file and leaves the others', async () => {
    const res = await service.api
      .post('/api/uploads')
      .attach('files', await pictureOf(maxBytes + 1), 'large.jpg')
      .attach('files', await picture(), 'small.jpg');
    expect(res.status).toBe(207);
    expect(res.body.items[0]).toMatchObject({ status: 413, problem: { code: 'too-large', maxBytes } });
    expect(res.body.items[1].status).toBe(201);
  });

  test('alone in a form is answered 413', async () => {
    const res = await service.api.post('/api/uploads').attach('file', await pictureOf(maxBytes + 1), 'a.jpg');
    expectProblem(res, 'too-large');
    expect(res.body.maxBytes).toBe(maxBytes);
    await nothingWasKept();
  });

  test('in a form that could not hold so many bytes is refused before the body has come', async () => {
    const wire = await openWire(service.port);
    const type = 'multipart/form-data; boundary=b';
    wire.send(
      head('POST /api/uploads', { ...authorization, 'Content-Type': type, 'Content-Length': 10_000_000 }),
    );
    expect(await wire.expectText(/\}$/)).toMatch(/^HTTP\/1.1 413 /);
    await wire.end();
  });
});

describe('A form with more than the allowed number of files', () => {
  test('is refused as a whole, says how many may be sent, and keeps none', async () => {
    const request = service.api.post('/api/uploads');
    for (let count = 1; count <= 4; count += 1) void request.attach('files', await picture(), `${count}.jpg`);
    const res = await request;
    expectProblem(res, 'too-large');
    expect(res.body.maxFiles).toBe(3);
    await nothingWasKept();
  });
});

describe('Expect: 100-continue', () => {
  test('is told to go on when the headers are good', async () => {
    const bytes = await picture();
    const wire = await openWire(service.port);
    const expecting = { Expect: '100-continue', 'Content-Length': bytes.length };
    wire.send(head('POST /api/uploads', { ...authorization, ...expecting }));
    expect(await wire.expectText(/\r\n\r\n$/)).toMatch(/^HTTP\/1.1 100 /);
    wire.send(bytes);
    expect(await wire.expectText(/\}$/)).toMatch(/HTTP\/1.1 201 /);
    expect(lastJson(wire.received())['sha256']).toBe(sha256(bytes));
    await wire.end();
  });

  test.each([
    ['too many bytes', { ...authorization, 'Content-Length': maxBytes + 1 }, 413],
    ['no key', { 'Content-Length': 10 }, 401],
    ['a wrong key', { Authorization: 'Bearer wrong', 'Content-Length': 10 }, 401],
    ['a broken Idempotency-Key', { ...authorization, 'Idempotency-Key': 'é', 'Content-Length': 10 }, 400],
  ])('is refused without it for %s', async (_what, headers, status) => {
    const wire = await openWire(service.port);
    wire.send(head('POST /api/uploads', { Expect: '100-continue', ...headers }));
    expect(await wire.expectText(/\}$/)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    await wire.end();
  });

  test('is answered for a request to anything else, too', async () => {
    const wire = await openWire(service.port);
    const body = JSON.stringify({ name: 'x', scopes: ['read'] });
    const about = {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      Expect: '100-continue',
    };
    wire.send(head('POST /api/keys', { ...authorization, ...about }));
    await wire.expectText(/^HTTP\/1.1 100 [^]*\r\n\r\n$/);
    wire.send(body);
    await wire.expectText(/HTTP\/1.1 201 [^]*\}$/);
    await wire.end();
  });
});

describe('What is neither a picture nor a video', () => {
  test.each<[string, string | Buffer]>([
    ['HTML', '<!doctype html><script>alert(1)</script>'],
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ['SVG behind an XML declaration', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['PDF', '%PDF-1.7\n1 0 obj'],
    ['a program', Buffer.from('7f454c46020101000000000000000000', 'hex')],
    ['a zip', Buffer.from('504b0304140000000000', 'hex')],
    ['text', 'hello'],
    ['JSON', '{"a":1}'],
    ['nothing', ''],
    ['one byte', 'x'],
    ['a sound', Buffer.from('ID3\u0003')],
    ['zeros', Buffer.alloc(5000)],
  ])('is refused: %s', async (_what, content) => {
    const bytes = Buffer.from(content);
    expectProblem(await send(bytes), 'unsupported-type');
    const form = await service.api
      .post('/api/uploads')
      .attach('file', bytes, { filename: 'a.jpg', contentType: 'image/jpeg' });
    expectProblem(form, 'unsupported-type');
    expect(form.body.detail).toMatch(/JPEG, PNG/);
    await nothingWasKept();
  });
});

describe('An image whose header makes no sense', () => {
  test.each<[string, () => Promise<Buffer>]>([
    ['a JPEG that ends in its header', async () => (await picture()).subarray(0, 20)],
    ['a PNG without a size', async () => Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
    ['a GIF of no width', async () => Buffer.from('4749463839610000000080000000', 'hex')],
  ])('is refused: %s', async (_what, make) => {
    expectProblem(await send(await make()), 'unreadable-image');
    await nothingWasKept();
  });

  test('is one with more pixels than allowed, which are said', async () => {
    expect((await send(withPixels(await picture(), 1000, 1000))).status).toBe(201);
    const tooMany = withPixels(await picture(), 1001, 1000);
    const res = await send(tooMany);
    expectProblem(res, 'unreadable-image');
    expect(res.body).toMatchObject({ width: 1001, height: 1000, maxPixels: 1_000_000 });
  });
});

/** The same JPEG with another size in its frame header. */
function withPixels(jpeg: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(jpeg);
  const frame = changed.indexOf(Buffer.from([0xff, 0xc0]));
  changed.writeUInt16BE(height, frame + 5);
  changed.writeUInt16BE(width, frame + 7);
  return changed;
}
