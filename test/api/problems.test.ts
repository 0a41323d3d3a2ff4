import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { picture, upload } from './pictures.ts';
import {
  adminKey,
  discard,
  expectNoSecrets,
  expectProblem,
  filesIn,
  startService,
  type Running,
} from './support.ts';
import { head, lastJson, openWire } from './wire.ts';

let service: Running;

beforeAll(async () => {
  service = await startService({ ADMIN_KEY: adminKey });
});
afterAll(() => discard(service));

const authorization = { Authorization: `Bearer ${adminKey}` };

describe('What is not there', () => {
  test.each([
    '/',
    '/api',
    '/api/nothing',
    '/media',
    '/favicon.ico',
    '/api/media/a/b/c',
    '/.env',
    '/uploads/',
    '/catalog',
    '/backups/',
  ])('%s is 404', async (path) => expectProblem(await service.api.get(path), 'not-found'));

  test.each([
    '/../etc/passwd',
    '/media/../../etc/passwd',
    '/media/..%2f..%2fetc%2fpasswd',
    '//etc/passwd',
    '/api/media/..',
  ])('%s is 404, whatever a client makes of it', async (path) => {
    const wire = await openWire(service.port);
    wire.send(head(`GET ${path}`, { ...authorization, Connection: 'close' }));
    expect(await wire.expectText(/\}$/)).toMatch(/^HTTP\/1.1 404 /);
    expectNoSecrets(wire.received());
    await wire.end();
  });
});

describe('A method that a route does not have', () => {
  const allowed: [string, string][] = [
    ['/api/uploads', 'POST'],
    ['/api/media', 'GET, HEAD'],
    ['/api/media/x', 'GET, HEAD, PATCH, DELETE'],
    ['/api/media/x/untrash', 'POST'],
    ['/api/media/x/sign', 'POST'],
    ['/media/x', 'GET, HEAD'],
    ['/media/x/thumb', 'GET, HEAD'],
    ['/api/health', 'GET, HEAD'],
    ['/api/backup', 'POST'],
    ['/api/backups', 'GET, HEAD'],
    ['/api/backups/x', 'GET, HEAD, DELETE'],
    ['/api/backups/x/verify', 'POST'],
    ['/api/restore/x', 'POST'],
    ['/api/keys', 'GET, HEAD, POST'],
    ['/api/keys/x', 'DELETE'],
  ];
  test.each(allowed)('of %s is 405, and OPTIONS is told of %s', async (path, allow) => {
    const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
    for (const method of methods.filter((one) => !allow.includes(one.toUpperCase()))) {
      const res = await service.api[method](path);
      expectProblem(res, 'method-not-allowed');
      expect(res.headers['allow']).toBe(allow);
    }
    const options = await service.api.options(path);
    expect({ status: options.status, allow: options.headers['allow'] }).toEqual({ status: 204, allow });
  });
});

test.each(['/api/uploads/', '/API/Uploads', '/api/uploads?x=1'])(
  'An upload to %s is one to /api/uploads',
  async (path) => {
    const res = await service.api.post(path).attach('file', await picture(), 'a.jpg');
    expect(res.status).toBe(201);
  },
);

describe('A request that cannot be read', () => {
  test.each(['{', '{"name":', '"text', '[1,2', 'nothing', '{"a":1}}', '\u0000', '{"name":"\ud800'])(
    'malformed JSON %j is 400',
    async (body) => {
      for (const [method, path] of [
        ['post', '/api/keys'],
        ['patch', '/api/media/0'],
        ['post', '/api/media/0/sign'],
      ] as const)
        expectProblem(await service.api[method](path).type('application/json').send(body), 'malformed');
    },
  );

  test('JSON beyond 100 kB is 413 and says the limit', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(200_000), scopes: ['read'] });
    const res = await service.api.post('/api/keys').type('json').send(body);
    expectProblem(res, 'too-large');
    expect(res.body.maxBytes).toBe(102_400);
  });

  test('JSON in a character set that is none is refused', async () => {
    const res = await service.api
      .post('/api/keys')
      .set('Content-Type', 'application/json; charset=nonsense')
      .send('{}');
    expectProblem(res, 'malformed');
  });

  test('JSON nested ten thousand deep is refused and harms nobody', async () => {
    const body = '['.repeat(10_000) + ']'.repeat(10_000);
    expectProblem(await service.api.post('/api/keys').type('json').send(body), 'malformed');
    expect((await service.api.get('/api/live')).status).toBe(200);
  });

  test.each(['/api/media/%zz', '/media/%E0%A4%A', '/api/backups/%', '/api/restore/%ff'])(
    'a broken %% in %s is 400',
    async (path) => {
      const wire = await openWire(service.port);
      const method = path.startsWith('/api/restore') ? 'POST' : 'GET';
      wire.send(head(`${method} ${path}`, { ...authorization, Connection: 'close' }));
      expect(await wire.expectText(/\}$/)).toMatch(/^HTTP\/1.1 400 /);
      expect(lastJson(wire.received())).toMatchObject({ code: 'malformed', status: 400 });
      await wire.end();
    },
  );

  test.each<[string, string, string]>([
    ['without a boundary', 'multipart/form-data', 'x'],
    ['with an empty boundary', 'multipart/form-data; boundary=', 'x'],
    ['without that boundary in it', 'multipart/form-data; boundary=b', 'no boundary here'],
    ['cut off in a header', 'multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; na'],
    [
      'cut off in a file',
      'multipart/form-data; boundary=b',
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
    ],
    ['that is empty', 'multipart/form-data; boundary=b', ''],
  ])('a form %s is 400 and leaves nothing', async (_what, type, body) => {
    const before = await filesIn(`${service.dir}/uploads`);
    expectProblem(await service.api.post('/api/uploads').set('Content-Type', type).send(body), 'malformed');
    expect(await filesIn(`${service.dir}/uploads`)).toEqual(before);
  });

  test.each<[string, string]>([
    ['no HTTP at all', 'hello\r\n\r\n'],
    [
      'two lengths',
      'POST /api/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    ],
    [
      'a length and chunks',
      'POST /api/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a negative length', 'POST /api/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
    ['headers of 100 kB', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`],
  ])('%s is 400 with a problem document, and the connection ends', async (_what, text) => {
    const wire = await openWire(service.port);
    wire.send(text);
    expect(await wire.expectText(/\}$/)).toMatch(
      /^HTTP\/1.1 400 [^]*Content-Type: application\/problem\+json/i,
    );
    expect(lastJson(wire.received())).toMatchObject({ status: 400, code: 'malformed' });
    await wire.closed();
  });
});

describe('X-Request-Id', () => {
  test('is echoed, and is in the log of the request', async () => {
    const id = 'client-id_1.2';
    const res = await service.api.get('/api/media').set('X-Request-Id', id);
    expect(res.headers['x-request-id']).toBe(id);
    expect(service.log.filter((line) => line['requestId'] === id)).toMatchObject([
      { method: 'GET', path: '/api/media', status: 200 },
    ]);
    const problem = await service.api.get('/api/media/none?secret=1').set('X-Request-Id', id);
    expect(problem.body.requestId).toBe(id);
    expect(JSON.stringify(service.log)).not.toContain('secret=1');
  });

  test('is made where the client sent none, or one that does not belong into a log', async () => {
    const sent = ['', 'a b', 'x'.repeat(129), 'a"b', '<script>', '{"level":60}'];
    const made = new Set<string>();
    for (const id of sent) {
      const res = await service.api.get('/api/live').set('X-Request-Id', id);
      expect(res.headers['x-request-id']).toMatch(/^[0-9a-z]{20}$/);
      made.add(res.headers['x-request-id']!);
    }
    expect(made.size).toBe(sent.length);
  });
});

test('Every answer has the headers that keep a browser from doing anything clever', async () => {
  const media = await upload(service);
  const answers = [
    await service.api.get('/api/health'),
    await service.api.get('/api/media'),
    await service.api.get('/nothing'),
    await service.as(null).get('/api/media'),
    await service.api.post('/api/uploads').send('x'),
    await service.api.get(media.url),
    await service.api.get(`${media.url}/thumb`),
    await service.api.delete(`/api/media/${media.id}`),
  ];
  for (const { headers } of answers) {
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'referrer-policy': 'no-referrer',
      'strict-transport-security': expect.stringMatching(/^max-age=\d+/),
      'x-frame-options': expect.any(String),
    });
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['server']).toBeUndefined();
  }
});

test('A failure inside is 500 with nothing of the inside in it, which is in the log under the id of the request', async () => {
  const { catalog } = service.holdfast.service;
  const original = catalog.list;
  Object.assign(catalog, {
    list: () => Promise.reject(new TypeError('select * from media at /srv/secret/catalog.db')),
  });
  try {
    const res = await service.api.get('/api/media');
    expectProblem(res, 'internal');
    const lines = service.log.filter((line) => line['requestId'] === res.body.requestId && line.level >= 50);
    expect(JSON.stringify(lines)).toContain('/srv/secret');
  } finally {
    Object.assign(catalog, { list: original });
  }
});
