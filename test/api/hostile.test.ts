import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Response } from 'supertest';
import { picture, upload, withComment } from './pictures.ts';
import { expectNoSecrets, filesIn, folderPrefix, startService, type Running } from './support.ts';
import { head, openWire } from './wire.ts';

let parent: string;
let service: Running;
let outside: string[];

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), folderPrefix));
  await mkdir(join(parent, 'data'));
  service = await startService({ MAX_UPLOAD_BYTES: '200000' }, join(parent, 'data'));
});
beforeEach(async () => {
  outside = await around();
});
afterEach(async () => {
  expect(await around()).toEqual(outside);
  for (const line of service.log) expect(line).not.toMatchObject({ level: 50 });
  expect((await service.api.get('/api/live')).status).toBe(200);
  for (const name of await filesIn(join(service.dir, 'uploads')))
    expect(name).toMatch(/^[0-9a-f]\/[0-9a-f]{64}$/);
});
afterAll(async () => {
  await service.stop();
  await rm(parent, { recursive: true, force: true });
});

/** Everything beside the data folder, and whatever is in it that no Holdfast puts there. */
async function around(): Promise<string[]> {
  const own = /^data\/(uploads|backups|aside|\.holdfast|catalog\.db.*)$/;
  const beside = await readdir(parent);
  const inside = (await readdir(join(parent, 'data'))).map((name) => `data/${name}`);
  return [...beside, ...inside.filter((name) => !own.test(name))].sort();
}

function expectHarmless(res: Response): void {
  expect(res.status).toBeLessThan(500);
  expectNoSecrets(res.text ?? '');
}

const names = [
  '../../../../tmp/evil.jpg',
  '..\\..\\evil.jpg',
  '/etc/passwd',
  'C:\\windows\\system32\\evil.exe',
  '....//....//evil',
  '~',
  'con',
  'nul.jpg',
  'a\u202egpj.exe',
  '<img src=x onerror=alert(1)>.jpg',
  '"; rm -rf / #.jpg',
  '${jndi:ldap://x}',
  '%00.jpg',
  '%2e%2e%2fevil',
  'a\tb.jpg',
  ' '.repeat(50),
  '😀'.repeat(100),
  'x'.repeat(5000),
  "'; drop table media; --",
  '__proto__',
  'constructor',
];

describe('A file that is called', () => {
  test.each(names)('%j is kept under its hash, and its name is only ever shown', async (name) => {
    const bytes = await picture();
    const form = new FormData();
    form.append('file', new Blob([bytes]), name);
    const answer = await fetch(`${service.url}/api/uploads`, { method: 'POST', body: form });
    expect(answer.status).toBe(201);
    const media = (await answer.json()) as { url: string; name: string };
    expect(media.name).not.toMatch(/[/\\\p{Cc}\u202e]/u);
    const res = await service.api.get(`${media.url}?download=1`);
    expect(res.headers['content-disposition']).toMatch(
      /^attachment; filename="[\x20-\x7e]*"(; filename\*=UTF-8''[\w%!#$&+.^`|~-]+)?$/,
    );
    expect(res.headers['content-type']).toBe('image/jpeg');
  });
});

test.each(['.', '..', '../', ''])(
  'A file that is called %j has no name, which is said: bytes never vanish without a word',
  async (name) => {
    const form = `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\nbytes\r\n--b--\r\n`;
    const res = await service.api.post('/api/uploads').type('multipart/form-data; boundary=b').send(form);
    expect(res.status).toBe(400);
    expect(res.body.detail).toContain('name');
  },
);

const texts = [
  '.',
  '..',
  ...names,
  '\u0000',
  '\r\nSet-Cookie: a=b',
  'null',
  'undefined',
  '-1',
  '1e999',
  '[]',
  '{}',
  '\ud800',
  '*',
  '%',
  '%%',
  '../..',
];

describe('In the place of an id, a backup or a key', () => {
  test.each(texts)('%j finds nothing and breaks nothing', async (text) => {
    const part = encodeURIComponent(text.toWellFormed()) || '%20';
    const calls = [
      service.api.get(`/api/media/${part}`),
      service.api.patch(`/api/media/${part}`).send({ name: 'x' }),
      service.api.delete(`/api/media/${part}`),
      service.api.delete(`/api/media/${part}?purge=true`),
      service.api.post(`/api/media/${part}/untrash`),
      service.api.post(`/api/media/${part}/sign`).send({ expiresInSeconds: 9 }),
      service.api.get(`/media/${part}`),
      service.api.get(`/media/${part}/thumb`),
      service.api.get(`/media/${part}/${part}`),
      service.api.get(`/media/${part}?expires=${part}&signature=${part}`),
      service.api.get(`/api/backups/${part}`),
      service.api.delete(`/api/backups/${part}`),
      service.api.post(`/api/backups/${part}/verify`),
      service.api.post(`/api/restore/${part}`),
      service.api.delete(`/api/keys/${part}`),
    ];
    for (const call of calls) {
      const res = await call;
      expectHarmless(res);
      expect(res.status).toBeGreaterThanOrEqual(400);
    }
  });
});

describe('In a query', () => {
  test.each(texts)('%j is found or refused', async (text) => {
    const value = encodeURIComponent(text.toWellFormed());
    for (const name of [
      'limit',
      'cursor',
      'kind',
      'tag',
      'q',
      'before',
      'after',
      'trashed',
      'tag[]',
      'tag[x]',
      '__proto__',
      value,
    ])
      expectHarmless(await service.api.get(`/api/media?${name}=${value}`));
    expectHarmless(await service.api.post(`/api/restore/latest?dryRun=${value}`));
  });
});

describe('In JSON', () => {
  const values = [
    null,
    0,
    -1,
    1e308,
    '',
    'x'.repeat(20_000),
    [],
    [[]],
    {},
    { a: 1 },
    true,
    ...texts.slice(0, 12),
  ];
  test.each(values.map((value) => [value]))('%j is taken or refused, whatever the member', async (value) => {
    const media = await upload(service);
    for (const member of ['name', 'tags', 'description', 'visibility', '__proto__', 'constructor', 'id']) {
      const body = `{${JSON.stringify(member)}:${JSON.stringify(value)}}`;
      const res = await service.api.patch(`/api/media/${media.id}`).type('json').send(body);
      expectHarmless(res);
    }
    const inList = `{"tags":[${JSON.stringify(value)}]}`;
    expectHarmless(await service.api.patch(`/api/media/${media.id}`).type('json').send(inList));
    for (const body of [value, { expiresInSeconds: value }, { variant: value, expiresInSeconds: 5 }])
      expectHarmless(
        await service.api.post(`/api/media/${media.id}/sign`).type('json').send(JSON.stringify(body)),
      );
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
    expect((await service.api.get(`/api/media/${media.id}`)).body.sha256).toBe(media.sha256);
    expectHarmless(await service.api.get('/api/media?limit=5'));
    await service.api.delete(`/api/media/${media.id}?purge=true`);
  });
});

describe('In a header', () => {
  const headers = [
    'If-Match',
    'If-None-Match',
    'If-Range',
    'Range',
    'If-Modified-Since',
    'Content-Disposition',
    'Repr-Digest',
    'Idempotency-Key',
    'Expect',
    'X-Request-Id',
    'Origin',
    'Prefer',
    'Content-Type',
    'Accept-Encoding',
  ];
  const values = [
    '',
    '"',
    '*',
    'x'.repeat(8000),
    '\u0080\u00ff',
    ',;=:',
    'bytes=' + '0-0,'.repeat(1500),
    '../../x',
    'W/""',
  ];
  test.each(headers)('%s may say anything', async (name) => {
    const media = await upload(service);
    const bytes = await picture();
    for (const value of values) {
      for (const [line, body] of [
        [`GET ${media.url}`, undefined],
        [`GET /api/media/${media.id}`, undefined],
        ['POST /api/uploads', bytes],
        [`PATCH /api/media/${media.id}`, Buffer.from('{"name":"x"}')],
      ] as const) {
        const wire = await openWire(service.port);
        const length = body === undefined ? {} : { 'Content-Length': body.length };
        wire.send(Buffer.from(head(line, { ...length, Connection: 'close', [name]: value }), 'latin1'));
        if (body !== undefined) wire.send(body);
        await wire.closed();
        expect({ name, value, line, answer: wire.received().slice(0, 12) }).toMatchObject({
          answer: expect.stringMatching(/^HTTP\/1.1 [1234]/),
        });
      }
    }
  });
});

describe('Active content', () => {
  const script = '<script>alert(document.domain)</script>';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`;
  test.each<[string, () => Promise<Buffer>, string]>([
    [
      'a JPEG with a script in its comment',
      async () => withComment(await picture(), `*/${script}<!--`),
      'image/jpeg',
    ],
    [
      'a JPEG with a page behind it',
      async () => Buffer.concat([await picture(), Buffer.from(`<html>${script}</html>`)]),
      'image/jpeg',
    ],
    [
      'a GIF that is a script',
      async () =>
        Buffer.from('GIF89a\u0001\u0000\u0001\u0000\u0000\u0000\u0000=1;alert(1);//\u003b', 'latin1'),
      'image/gif',
    ],
    ['a JPEG with a PDF in it', async () => withComment(await picture(), '%PDF-1.7'), 'image/jpeg'],
  ])('in %s is served as what the bytes are, inert', async (_what, make, type) => {
    const bytes = await make();
    for (const filename of ['x.html', 'x.svg', 'x.jpg.', 'x.php', 'x.xhtml']) {
      const res = await service.api
        .post('/api/uploads')
        .attach('file', bytes, { filename, contentType: 'text/html' });
      expect(res.status).toBe(201);
      for (const query of ['', '?download=1']) {
        const served = await service.api.get(res.body.url + query);
        expect(served.headers).toMatchObject({
          'content-type': type,
          'x-content-type-options': 'nosniff',
          'content-security-policy': "default-src 'none'; sandbox",
        });
      }
    }
  });

  test.each<[string, string]>([
    ['SVG', svg],
    ['SVG with a byte order mark', `\ufeff${svg}`],
    ['SVG behind white space', `\n\n  ${svg}`],
    ['SVG behind a doctype', `<!DOCTYPE svg>${svg}`],
    ['SVG in UTF-16', Buffer.from(`\ufeff${svg}`, 'utf16le').toString('latin1')],
    ['a page', `<html>${script}</html>`],
    ['a page that begins like a comment', `<!--\xff\xd8\xff-->${script}`],
    ['XHTML', `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">${script}</html>`],
    ['a script', '#!/bin/sh\nrm -rf /'],
    ['MHTML', 'MIME-Version: 1.0\nContent-Type: multipart/related'],
  ])('%s is never taken, whatever it is called', async (_what, text) => {
    for (const filename of ['a.jpg', 'a.svg', 'a.png', 'a.svg.jpg', 'a'])
      for (const contentType of ['image/jpeg', 'image/svg+xml', 'text/html']) {
        const res = await service.api
          .post('/api/uploads')
          .attach('file', Buffer.from(text, 'latin1'), { filename, contentType });
        expect(res.status).toBe(415);
      }
  });
});
