import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { upload } from './pictures.ts';
import { discard, expectProblem, startService, type Running } from './support.ts';

let service: Running;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => discard(service));

const get = (id: string) => service.api.get(`/api/media/${id}`);
const patch = (id: string, body: object, headers: Record<string, string> = {}) =>
  service.api
    .patch(`/api/media/${id}`)
    .set('Content-Type', 'application/merge-patch+json')
    .set(headers)
    .send(JSON.stringify(body));

describe('GET of a media', () => {
  test('gives what the upload gave, with an ETag', async () => {
    const media = await upload(service);
    const res = await get(media.id);
    expect(res.status).toBe(200);
    expect(res.body).toEqual(media);
    expect(res.headers['etag']).toMatch(/^"[0-9a-z]+-[0-9a-z]+"$/);
  });

  test.each(['0'.repeat(26), 'abc', `${'0'.repeat(26)}x`, 'Z'.repeat(26)])(
    'answers 404 for %s',
    async (id) => {
      expectProblem(await get(id), 'not-found');
      expectProblem(await patch(id, { name: 'x' }), 'not-found');
      expectProblem(await service.api.delete(`/api/media/${id}`), 'not-found');
      expectProblem(await service.api.post(`/api/media/${id}/untrash`), 'not-found');
      expectProblem(
        await service.api.post(`/api/media/${id}/sign`).send({ expiresInSeconds: 5 }),
        'not-found',
      );
    },
  );
});

describe('PATCH of a media', () => {
  test('changes the members that were sent, and no others', async () => {
    const media = await upload(service);
    const change = {
      name: 'Fjord.jpg',
      tags: ['sea', 'norway'],
      description: 'A\nfjord',
      visibility: 'public',
    };
    const res = await patch(media.id, change);
    expect(res.status).toBe(200);
    expect(res.body).toEqual({ ...media, ...change, updatedAt: expect.any(String) });
    expect(Date.parse(res.body.updatedAt)).toBeGreaterThanOrEqual(Date.parse(media.createdAt));
    expect((await get(media.id)).body).toEqual(res.body);
    const second = await patch(media.id, { name: 'Only the name.jpg' });
    expect(second.body).toEqual({ ...res.body, name: 'Only the name.jpg', updatedAt: second.body.updatedAt });
  });

  test('with null clears what can be empty', async () => {
    const media = await upload(service);
    await patch(media.id, { tags: ['a'], description: 'b' });
    const res = await patch(media.id, { tags: null, description: null });
    expect(res.body).toMatchObject({ tags: [], description: null });
  });

  test('keeps a tag once that was sent twice', async () => {
    const media = await upload(service);
    expect((await patch(media.id, { tags: ['a', 'b', 'a'] })).body.tags).toEqual(['a', 'b']);
  });

  test('is taken as plain JSON, too', async () => {
    const media = await upload(service);
    const res = await service.api.patch(`/api/media/${media.id}`).send({ name: 'json.jpg' });
    expect(res.body.name).toBe('json.jpg');
  });

  test.each<[string, object, string]>([
    ['a member that does not exist', { title: 'x' }, 'title'],
    ['one that is not the client’s', { sha256: 'x' }, 'sha256'],
    ['another id', { id: 'x' }, 'id'],
    ['no name', { name: null }, 'name'],
    ['an empty name', { name: '' }, 'name'],
    ['a name that is too long', { name: 'x'.repeat(256) }, 'name'],
    ['a name with a control character', { name: 'a\u0000b' }, 'name'],
    ['a name that steers a terminal', { name: 'a\u001b[31m' }, 'name'],
    ['a name that is a number', { name: 7 }, 'name'],
    ['tags that are text', { tags: 'a' }, 'tags'],
    ['an empty tag', { tags: [''] }, 'tags.0'],
    ['too many tags', { tags: Array.from({ length: 51 }, (_, index) => `t${index}`) }, 'tags'],
    ['a long tag', { tags: ['ok', 'x'.repeat(101)] }, 'tags.1'],
    ['a description that is too long', { description: 'x'.repeat(10_001) }, 'description'],
    ['another visibility', { visibility: 'secret' }, 'visibility'],
    ['an array', [], 'the value'],
  ])('with %s is refused, names it, and changes nothing', async (_what, body, member) => {
    const media = await upload(service);
    const res = await patch(media.id, body);
    expectProblem(res, 'malformed');
    expect(JSON.stringify(res.body.wrong)).toContain(member);
    expect((await get(media.id)).body).toEqual(media);
  });

  test('with a body of another type is refused', async () => {
    const media = await upload(service);
    expectProblem(
      await service.api.patch(`/api/media/${media.id}`).type('text/plain').send('name=x'),
      'malformed',
    );
    expectProblem(await service.api.patch(`/api/media/${media.id}`), 'malformed');
  });
});

describe('If-Match', () => {
  test('with the ETag that was read lets the change through, once', async () => {
    const media = await upload(service);
    const etag = (await get(media.id)).headers['etag'] as string;
    const first = await patch(media.id, { name: 'first.jpg' }, { 'If-Match': etag });
    expect(first.status).toBe(200);
    expect(first.headers['etag']).not.toBe(etag);
    expectProblem(await patch(media.id, { name: 'second.jpg' }, { 'If-Match': etag }), 'precondition-failed');
    expect((await get(media.id)).body.name).toBe('first.jpg');
    expect((await get(media.id)).headers['etag']).toBe(first.headers['etag']);
  });

  test('may be a list, or * for whatever there is', async () => {
    const media = await upload(service);
    const etag = (await get(media.id)).headers['etag'] as string;
    expect((await patch(media.id, { name: 'a' }, { 'If-Match': `"other", ${etag}` })).status).toBe(200);
    expect((await patch(media.id, { name: 'b' }, { 'If-Match': '*' })).status).toBe(200);
    expectProblem(await patch(media.id, { name: 'c' }, { 'If-Match': '"other"' }), 'precondition-failed');
    expectProblem(await patch(media.id, { name: 'd' }, { 'If-Match': `W/${etag}` }), 'precondition-failed');
  });

  test('guards the trash, the purge and the way back, too', async () => {
    const media = await upload(service);
    const stale = { 'If-Match': '"stale"' };
    expectProblem(await service.api.delete(`/api/media/${media.id}`).set(stale), 'precondition-failed');
    expectProblem(
      await service.api.delete(`/api/media/${media.id}?purge=true`).set(stale),
      'precondition-failed',
    );
    expectProblem(await service.api.post(`/api/media/${media.id}/untrash`).set(stale), 'precondition-failed');
    expect((await get(media.id)).body).toEqual(media);
  });

  test('lets one of many through that have read the same', async () => {
    const media = await upload(service);
    const etag = (await get(media.id)).headers['etag'] as string;
    const names = Array.from({ length: 8 }, (_, index) => `${index}.jpg`);
    const answers = await Promise.all(names.map((name) => patch(media.id, { name }, { 'If-Match': etag })));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
    const won = answers.find(({ status }) => status === 200)!;
    expect((await get(media.id)).body).toEqual(won.body);
  });

  test('is not needed: changes of many at once are made one after the other', async () => {
    const media = await upload(service);
    const edits = [{ name: 'new.jpg' }, { description: 'new' }, { tags: ['new'] }, { visibility: 'public' }];
    const answers = await Promise.all(edits.map((edit) => patch(media.id, edit)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await get(media.id)).body).toMatchObject(Object.assign({}, ...edits) as object);
  });
});
