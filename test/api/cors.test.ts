import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { picture } from './pictures.ts';
import { adminKey, discard, expectProblem, startService, type Running } from './support.ts';

const app = 'https://app.example.com';
let closed: Running;
let named: Running;
let open: Running;

beforeAll(async () => {
  closed = await startService({ ADMIN_KEY: adminKey });
  named = await startService({ ADMIN_KEY: adminKey, CORS_ORIGINS: `${app},https://other.example` });
  open = await startService({ ADMIN_KEY: adminKey, CORS_ORIGINS: '*' });
});
afterAll(() => Promise.all([closed, named, open].map(discard)));

const preflight = (service: Running, origin: string, path = '/api/uploads') =>
  service.as(null).options(path).set({
    Origin: origin,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization',
  });

const corsHeaders = (headers: Record<string, string>) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('Without CORS_ORIGINS', () => {
  test('no page of another site is let in', async () => {
    const answers = [
      await preflight(closed, app),
      await closed.api.get('/api/media').set('Origin', app),
      await closed.as(null).get('/api/media').set('Origin', app),
    ];
    for (const res of answers) expect(corsHeaders(res.headers as Record<string, string>)).toEqual([]);
  });
});

describe('With origins named', () => {
  test.each([app, 'https://other.example'])(
    '%s passes the preflight of every route without a key',
    async (origin) => {
      for (const path of [
        '/api/uploads',
        '/api/media',
        '/api/media/x',
        '/media/x',
        '/api/backup',
        '/api/keys',
      ]) {
        const res = await preflight(named, origin, path);
        expect(res.status).toBe(204);
        expect(res.headers).toMatchObject({
          'access-control-allow-origin': origin,
          'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE, OPTIONS',
          'access-control-max-age': '600',
          vary: 'Origin',
        });
        const allowed = res.headers['access-control-allow-headers']!.split(', ');
        for (const name of [
          'Authorization',
          'Content-Type',
          'Content-Disposition',
          'Idempotency-Key',
          'If-Match',
          'Range',
          'Repr-Digest',
          'X-Request-Id',
        ])
          expect(allowed).toContain(name);
        expect(res.headers['access-control-allow-credentials']).toBeUndefined();
      }
    },
  );

  test.each(['https://evil.example', 'http://app.example.com', `${app}.evil.example`, 'null'])(
    '%s does not',
    async (origin) => {
      const res = await preflight(named, origin);
      expect(corsHeaders(res.headers as Record<string, string>)).toEqual([]);
      expect(res.headers['vary']).toContain('Origin');
    },
  );

  test('an upload is answered with everything a script needs to see', async () => {
    const res = await named.api
      .post('/api/uploads')
      .set('Origin', app)
      .attach('file', await picture(), 'a.jpg');
    expect(res.status).toBe(201);
    expect(res.headers['access-control-allow-origin']).toBe(app);
    const exposed = res.headers['access-control-expose-headers']!.toLowerCase().split(', ');
    const sent = ['location', 'repr-digest', 'holdfast-durable', 'x-request-id'];
    for (const name of [...sent, 'etag', 'link', 'retry-after', 'idempotency-replayed', 'content-range'])
      expect(exposed).toContain(name);
    for (const name of sent) expect(res.headers).toHaveProperty(name);
  });

  test('problems can be read by the page, too', async () => {
    const answers = [
      await named.as(null).post('/api/uploads').set('Origin', app).send('x'),
      await named.as(null).get('/api/media').set('Origin', app),
      await named.api.get('/api/nothing').set('Origin', app),
    ];
    for (const res of answers) expect(res.headers['access-control-allow-origin']).toBe(app);
  });
});

describe('With *', () => {
  test('every page may call, with a key and without cookies', async () => {
    const res = await preflight(open, 'https://anything.example');
    expect(res.status).toBe(204);
    expect(res.headers['access-control-allow-origin']).toBe('*');
    expect(res.headers['access-control-allow-credentials']).toBeUndefined();
    expectProblem(await open.as(null).get('/api/media').set('Origin', app), 'unauthorized');
  });
});
