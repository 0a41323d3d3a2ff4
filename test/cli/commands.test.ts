import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { exitCodeOf } from '../../src/cli/exit.ts';
import { HoldfastError } from '../../src/core/error.ts';
import { fakeService } from './operator.ts';

let service: Awaited<ReturnType<typeof fakeService>>;
const name = 'backup-2026-01-31T12-00-00-000Z';
const backup = {
  name,
  reason: 'request',
  media: 3,
  blobs: 2,
  bytes: 1500,
  newBytes: 900,
  verified: { ok: true, level: 'made', at: 't' },
};

beforeEach(async () => {
  service = await fakeService();
});
afterEach(() => service.close());

describe('holdfast backup', () => {
  test('makes one and says what it is', async () => {
    service.answer(201, backup);
    expect(await service.run(['backup'])).toEqual({
      code: 0,
      out: `${name}: 3 media, 1.5 kB, 900 B of it new\n`,
      err: '',
    });
    expect(service.asked).toEqual([{ method: 'POST', url: '/api/backup', key: 'Bearer k', body: '' }]);
    expect(service.closed()).toBe(1);
  });

  test('prints the answer as JSON when asked to', async () => {
    service.answer(201, backup);
    expect(JSON.parse((await service.run(['backup', '--json'])).out)).toEqual(backup);
  });
});

describe('holdfast backups', () => {
  test('lists them in columns, the damaged ones too', async () => {
    service.answer(200, {
      items: [backup, { name: 'other', damaged: 'its checksum does not match', verified: null }],
    });
    const { code, out } = await service.run(['backups']);
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^NAME +REASON +MEDIA +SIZE +CHECKED$/);
    expect(out).toMatch(new RegExp(`^${name}  request  3 +1\\.5 kB  good, when made$`, 'm'));
    expect(out).toMatch(/^other +damaged +\? +\? +its checksum does not match$/m);
  });

  test('says so when there are none, and prints JSON for programs', async () => {
    service.answer(200, { items: [] });
    expect((await service.run(['backups'])).out).toBe(
      'There are no backups yet: holdfast backup makes one.\n',
    );
    service.answer(200, { items: [backup] });
    expect(JSON.parse((await service.run(['backups', '--json'])).out)).toEqual({ items: [backup] });
  });
});

describe('holdfast restore', () => {
  test('restores and names the undo', async () => {
    service.answer(200, { restored: name, media: 3, missingBlobs: 2, previous: 'backup-before' });
    const { code, out } = await service.run(['restore', name]);
    expect({ code, out }).toEqual({
      code: 0,
      out: `${name} is restored: 3 media, 2 blobs come back from the vault.\nTo undo it: holdfast restore backup-before\n`,
    });
    expect(service.asked[0]).toMatchObject({ method: 'POST', url: `/api/restore/${name}` });
  });

  test('with --dry-run changes nothing and says so', async () => {
    service.answer(200, { restored: name, media: 3, missingBlobs: 0, previous: null });
    const { out } = await service.run(['restore', 'latest', '--dry-run']);
    expect(out).toBe(`${name} can be restored: 3 media. Nothing was changed.\n`);
    expect(service.asked[0]!.url).toBe('/api/restore/latest?dryRun=true');
  });

  test('sends a name as a name, whatever is in it', async () => {
    service.answer(404, { code: 'not-found', detail: 'none' });
    await service.run(['restore', '../keys?x=1#']);
    expect(service.asked[0]!.url).toBe('/api/restore/..%2Fkeys%3Fx%3D1%23');
  });
});

describe('holdfast verify', () => {
  test('takes the newest when no name is given', async () => {
    service.answer(200, { items: [backup] });
    service.answer(200, backup);
    const { code, out } = await service.run(['verify']);
    expect({ code, out }).toEqual({ code: 0, out: `${name} is good: 3 media, 2 blobs read.\n` });
    expect(service.asked.map(({ url }) => url)).toEqual(['/api/backups', `/api/backups/${name}/verify`]);
  });

  test('ends with 5 for a damaged one and 3 when there is none', async () => {
    service.answer(422, { code: 'backup-damaged', detail: 'The blob abc is damaged.' });
    expect(await service.run(['verify', name])).toEqual({
      code: 5,
      out: '',
      err: 'holdfast: The blob abc is damaged.\n',
    });
    service.answer(200, { items: [] });
    expect((await service.run(['verify'])).code).toBe(3);
  });
});

describe('holdfast keys', () => {
  const key = { id: 'key_1', name: 'phone', scopes: ['upload', 'read'], createdAt: 'c', expiresAt: null };

  test('add prints the key alone, so that it can be piped', async () => {
    service.answer(201, { ...key, key: 'hf_secret' });
    expect(await service.run(['keys', 'add', 'phone'])).toEqual({ code: 0, out: 'hf_secret\n', err: '' });
    expect(JSON.parse(service.asked[0]!.body)).toEqual({
      name: 'phone',
      scopes: ['upload', 'read'],
      expiresAt: null,
    });
  });

  test('add takes scopes and an end', async () => {
    service.answer(201, { ...key, key: 'hf_secret' });
    await service.run([
      'keys',
      'add',
      'x',
      '--scopes',
      'admin',
      'backup',
      '--expires-at',
      '2027-01-01T00:00:00Z',
      '--json',
    ]);
    expect(JSON.parse(service.asked[0]!.body)).toEqual({
      name: 'x',
      scopes: ['admin', 'backup'],
      expiresAt: '2027-01-01T00:00:00Z',
    });
  });

  test('list shows them in columns, without a secret', async () => {
    service.answer(200, { items: [key] });
    const { out } = await service.run(['keys', 'list']);
    expect(out).toMatch(/^ID +NAME +SCOPES +MADE +EXPIRES\nkey_1 +phone +upload,read +c +never\n$/);
    service.answer(200, { items: [] });
    expect((await service.run(['keys', 'list'])).out).toBe('There are no keys.\n');
  });

  test('revoke ends one', async () => {
    service.answer(204);
    expect((await service.run(['keys', 'revoke', 'key_1'])).out).toBe('key_1 is revoked.\n');
    expect(service.asked[0]).toMatchObject({ method: 'DELETE', url: '/api/keys/key_1' });
  });
});

describe('holdfast doctor', () => {
  const found = {
    plan: { because: 'The catalog is sound.', steps: [{ do: 'replay-journal' }, { do: 'sweep' }] },
    storage: { durable: 'disk', reason: 'a disk', warning: 'It may go.' },
    freeBytes: 5_000_000_000,
    damage: ['timelines/1.json'],
  };

  test('says what the next start would do', async () => {
    const { code, out } = await service.run(['doctor'], { plan: async () => found });
    expect(code).toBe(0);
    for (const text of [
      'The catalog is sound.',
      'replay-journal, sweep',
      'disk: a disk',
      'It may go.',
      '5.0 GB',
      'timelines/1.json',
    ])
      expect(out).toContain(text);
    const json = await service.run(['doctor', '--json'], { plan: async () => found });
    expect(JSON.parse(json.out)).toEqual(found);
  });

  test('asks the service when one runs in the folder', async () => {
    const plan = () => Promise.reject(new HoldfastError('busy', 'It runs.'));
    const persistence = { durable: 'disk', reason: 'a disk', freeBytes: null };
    service.answer(200, {
      status: 'warn',
      failure: null,
      warnings: ['low'],
      persistence,
      catalog: { media: 9 },
    });
    const { code, out } = await service.run(['doctor'], { plan });
    expect(code).toBe(0);
    for (const text of ['runs: warn', '9 media', 'warning   low']) expect(out).toContain(text);
  });

  test('still says what is wrong when the service answers 503', async () => {
    const plan = () => Promise.reject(new HoldfastError('busy', 'It runs.'));
    const persistence = { durable: 'disk', reason: 'a disk', freeBytes: 0 };
    service.answer(503, {
      status: 'fail',
      failure: 'the disk is full',
      warnings: [],
      persistence,
      catalog: { media: 9 },
    });
    const { out } = await service.run(['doctor'], { plan });
    expect(out).toContain('the disk is full');
  });
});

describe('Exit codes', () => {
  test.each([
    ['malformed', 400, 2],
    ['unauthorized', 401, 8],
    ['forbidden', 403, 8],
    ['not-found', 404, 3],
    ['busy', 409, 4],
    ['conflict', 409, 4],
    ['backup-damaged', 422, 5],
    ['no-space', 507, 6],
    ['unavailable', 503, 7],
    ['recovering', 503, 7],
    ['internal', 500, 1],
    ['no such code', 500, 1],
  ] as const)('%s (%i) ends with %i and says why', async (code, status, exit) => {
    service.answer(status, { code, detail: 'Do this.' });
    expect(await service.run(['backup'])).toEqual({ code: exit, out: '', err: 'holdfast: Do this.\n' });
    service.answer(status, { code, detail: 'Do this.' });
    const json = await service.run(['backup', '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ detail: 'Do this.' });
    expect([json.code, json.err]).toEqual([exit, '']);
  });

  test('a code that has none of its own ends with 1', () => expect(exitCodeOf('too-large')).toBe(1));

  test.each([
    [['nothing']],
    [['restore']],
    [['keys']],
    [['keys', 'add', 'x', '--scopes', 'root']],
    [['backup', '--fast']],
    [['keys', 'revoke']],
  ])('%j is a mistake: 2, with the usage, and nothing is asked', async (args) => {
    const { code, out, err } = await service.run(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/error:|Usage:/);
    expect(service.asked).toEqual([]);
  });

  test.each([
    [['--version'], '1.2.3\n'],
    [['--help'], 'Usage: holdfast'],
  ])('%j is answered with 0', async (args, text) => {
    const { code, out } = await service.run(args);
    expect(code).toBe(0);
    expect(out).toContain(text);
  });

  test('a service that goes away in the middle is 7', async () => {
    const operator = async () => ({ url: 'http://127.0.0.1:1', key: 'k', close: async () => {} });
    expect((await service.run(['backup'], { operator })).code).toBe(7);
  });

  test.each([[undefined], [null], ['<html>bad gateway</html>'], [{ error: 'x' }]])(
    'an answer that is no problem document (%j) is 1, and shows nothing of the inside',
    async (body) => {
      service.answer(502, body);
      const { code, err } = await service.run(['backup']);
      expect({ code, err }).toEqual({
        code: 1,
        err: 'holdfast: The service gave an answer that makes no sense.\n',
      });
    },
  );
});

test('On a terminal a long act shows that it goes on, and clears its line', async () => {
  service.answer(201, backup);
  const { out, err } = await service.run(['backup'], { isTerminal: true });
  expect(err).toMatch(/^\rbacking up … 0 s /);
  expect(err.endsWith('\r\u001b[K')).toBe(true);
  expect(out).toContain(name);
});
