import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { stampClock } from '../../src/core/stamp.ts';
import { answerKeptMs, createIdempotency, type Answer } from '../../src/uploads/idempotency.ts';
import { temporaryCatalog } from '../catalog/temporary.ts';

const dayMs = 24 * 60 * 60 * 1000;
const answer: Answer = { status: 201, location: '/api/media/x', body: '{"id":"x"}', replayed: false };
const content = [{ id: 'a'.repeat(64), sizeBytes: 1 }];
let nowMs: number;
let temporary: Awaited<ReturnType<typeof temporaryCatalog>>;
let admit: ReturnType<typeof createIdempotency>;

beforeEach(async () => {
  nowMs = 1_000_000;
  temporary = await temporaryCatalog();
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  admit = createIdempotency({ catalog: temporary.catalog, clock, stamps: stampClock(() => nowMs, 'w') });
});
afterEach(() => temporary.remove());

/** One request from its beginning to its end; gives the earlier answer, or stores this one. */
async function request(key: string, kept = content) {
  const repeatable = admit(null, key);
  try {
    const earlier = await repeatable.earlier(kept);
    if (earlier === undefined) await temporary.catalog.write({ changes: [repeatable.store(answer)] });
    return earlier;
  } finally {
    repeatable.release();
  }
}

describe('The answer to an Idempotency-Key', () => {
  test('is given again for 24 hours, and not a millisecond longer', async () => {
    expect(answerKeptMs).toBe(dayMs);
    expect(await request('k')).toBeUndefined();
    nowMs += dayMs;
    expect(await request('k')).toEqual({ ...answer, replayed: true });
    nowMs += 1;
    expect(await request('k')).toBeUndefined();
    expect(await request('k')).toEqual({ ...answer, replayed: true });
  });

  test('refuses other content for 24 hours, after which the key is free', async () => {
    const other = [{ id: 'b'.repeat(64), sizeBytes: 1 }];
    await request('k');
    await expect(request('k', other)).rejects.toMatchObject({ code: 'idempotency-mismatch' });
    nowMs += dayMs + 1;
    expect(await request('k', other)).toBeUndefined();
  });

  test('lets in one at a time, and the next as soon as that one has ended', async () => {
    const running = admit(null, 'k');
    expect(() => admit(null, 'k')).toThrow(expect.objectContaining({ code: 'idempotency-running' }));
    expect(() => admit('somebody else', 'k').release()).not.toThrow();
    running.release();
    expect(() => admit(null, 'k').release()).not.toThrow();
  });
});
