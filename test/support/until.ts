import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until `look` finds nothing wrong any more, so that no test has to guess how long something takes.
 * @throws what it found last
 */
export async function untilNothing<T>(look: () => Promise<readonly T[]>, withinMs: number): Promise<void> {
  for (const giveUpMs = performance.now() + withinMs; ; await sleep(20)) {
    const found = await look();
    if (found.length === 0) return;
    if (performance.now() > giveUpMs) {
      throw new Error(`still there after ${withinMs} ms: ${JSON.stringify(found.slice(0, 20))}`);
    }
  }
}

/** @throws after `withinMs`, naming `what` never came about */
export async function until(what: string, isSo: () => Promise<boolean>, withinMs: number): Promise<void> {
  await untilNothing(async () => ((await isSo()) ? [] : [what]), withinMs);
}
