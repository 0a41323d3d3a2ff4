import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createGate, type Gate } from '../../src/core/gate.ts';
import { isHoldfastError } from '../../src/core/error.ts';

/** Work that waits until it is told to end, and says whether it has begun. */
function task() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = { begun: false, end: resolve, run: async () => {} };
  work.run = () => {
    work.begun = true;
    return promise;
  };
  return work;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('The gate', () => {
  test('lets many in together', async () => {
    const gate = createGate();
    const tasks = [task(), task(), task()];
    const all = tasks.map((one) => gate.together(one.run));
    await settled();
    expect(tasks.map(({ begun }) => begun)).toEqual([true, true, true]);
    for (const one of tasks) one.end();
    await Promise.all(all);
  });

  test('lets one alone in only when all others have left, and keeps those waiting who come meanwhile', async () => {
    const gate = createGate();
    const [inside, alone, later] = [task(), task(), task()];
    const all = [gate.together(inside.run), gate.alone(alone.run)];
    await settled();
    all.push(gate.together(later.run));
    await settled();
    expect([alone.begun, later.begun]).toEqual([false, false]);
    inside.end();
    await settled();
    expect([alone.begun, later.begun]).toEqual([true, false]);
    alone.end();
    await settled();
    expect(later.begun).toBe(true);
    later.end();
    await Promise.all(all);
  });

  test('that is closed refuses at once with its reason, and opens again', async () => {
    const gate = createGate();
    const closed = task();
    const running = gate.closed('Come back later.', closed.run);
    await settled();
    const refused = await gate.together(async () => 'in').catch((error: unknown) => error);
    expect(isHoldfastError(refused, 'unavailable')).toBe(true);
    expect(refused).toMatchObject({ message: 'Come back later.', facts: { retryAfterSeconds: 5 } });
    closed.end();
    await running;
    expect(await gate.together(async () => 'in')).toBe('in');
  });

  test('refuses also while whoever closed it waits for those inside', async () => {
    const gate = createGate();
    const [inside, closed] = [task(), task()];
    const all = [gate.together(inside.run), gate.closed('Later.', closed.run)];
    await settled();
    await expect(gate.together(async () => 1)).rejects.toMatchObject({ code: 'unavailable' });
    expect(closed.begun).toBe(false);
    inside.end();
    closed.end();
    await Promise.all(all);
  });

  test('hands on what work returns and throws, and stays usable', async () => {
    const gate = createGate();
    const boom = new Error('boom');
    for (const way of ['together', 'alone'] as const) {
      await expect(gate[way](() => Promise.reject(boom))).rejects.toBe(boom);
      expect(await gate[way](async () => 7)).toBe(7);
    }
    await expect(gate.closed('x', () => Promise.reject(boom))).rejects.toBe(boom);
    expect(await gate.together(async () => 8)).toBe(8);
  });

  test('never lets anybody in beside one who is alone, whatever the order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom('together', 'alone', 'closed'), { maxLength: 12 }),
        async (s, calls) => {
          const inside: string[] = [];
          const gate = createGate();
          const enter = (kind: string, at: number) => async () => {
            inside.push(kind);
            if (inside.length > 1) expect(inside).toEqual(inside.map(() => 'together'));
            await s.schedule(Promise.resolve(), `${kind} ${at}`);
            inside.splice(inside.indexOf(kind), 1);
          };
          const all = calls.map((kind, at) => call(gate, kind, enter(kind, at)));
          await s.waitFor(Promise.all(all));
          expect(inside).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });
});

async function call(
  gate: Gate,
  kind: 'together' | 'alone' | 'closed',
  work: () => Promise<void>,
): Promise<void> {
  if (kind !== 'closed') return gate[kind](work).catch(refusalOnly);
  return gate.closed('closed', work);
}

function refusalOnly(error: unknown): void {
  if (!isHoldfastError(error, 'unavailable')) throw error;
}
