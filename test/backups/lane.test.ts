import { describe, expect, test } from '@jest/globals';
import { createBackupLane } from '../../src/backups/lane.ts';
import type { Backup, BackupReason } from '../../src/core/vault.ts';

/** A lane whose backups are cut and done when the test says so. */
function heldLane() {
  const made: { reason: BackupReason; cut(): void; done(): void; fail(error: Error): void }[] = [];
  const lane = createBackupLane((reason, onCut) => {
    const { promise, resolve, reject } = Promise.withResolvers<Backup>();
    const name = `${reason} ${made.length + 1}`;
    made.push({ reason, cut: onCut, done: () => resolve({ name } as Backup), fail: reject });
    return promise;
  });
  return { lane, made };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const nameOf = async (backup: Promise<Backup>) => (await backup).name;

describe('A lane for backups', () => {
  test('makes one at a time; who asks before the snapshot is cut shares it', async () => {
    const { lane, made } = heldLane();
    const [first, second] = [lane.backup('request'), lane.backup('uploads')];
    await settled();
    expect(made).toHaveLength(1);
    made[0]!.done();
    expect(await nameOf(first)).toBe('request 1');
    expect(await nameOf(second)).toBe('request 1');
  });

  test('gives those who ask after the cut the next one, together', async () => {
    const { lane, made } = heldLane();
    const first = lane.backup('schedule');
    await settled();
    made[0]!.cut();
    const later = [lane.backup('request'), lane.backup('uploads'), lane.backup('request')];
    await settled();
    expect(made).toHaveLength(1);
    made[0]!.done();
    await first;
    await settled();
    expect(made.map(({ reason }) => reason)).toEqual(['schedule', 'request']);
    made[1]!.done();
    expect(await Promise.all(later.map(nameOf))).toEqual(['request 2', 'request 2', 'request 2']);
  });

  test('tells a second operator that one is being made', async () => {
    const { lane, made } = heldLane();
    const first = lane.backup('request');
    await settled();
    made[0]!.cut();
    await expect(lane.backup('request')).rejects.toMatchObject({
      code: 'busy',
      facts: { retryAfterSeconds: 5 },
    });
    made[0]!.done();
    await first;
  });

  test('goes on after one that failed', async () => {
    const { lane, made } = heldLane();
    const first = lane.backup('uploads');
    await settled();
    made[0]!.cut();
    const second = lane.backup('request');
    made[0]!.fail(new Error('disk full'));
    await expect(first).rejects.toThrow('disk full');
    await settled();
    made[1]!.done();
    expect(await nameOf(second)).toBe('request 2');
    expect(lane.running).toBe(false);
  });

  test('lets a restore in when the running backup is done, and refuses everything else meanwhile', async () => {
    const { lane, made } = heldLane();
    const backup = lane.backup('uploads');
    await settled();
    const gate = Promise.withResolvers<string>();
    let inside = false;
    const restore = lane.restore(() => {
      inside = true;
      return gate.promise;
    });
    await settled();
    expect(inside).toBe(false);
    await expect(lane.backup('request')).rejects.toMatchObject({ code: 'busy' });
    await expect(lane.restore(async () => 1)).rejects.toMatchObject({ code: 'busy' });
    made[0]!.done();
    await backup;
    await settled();
    expect([inside, lane.running]).toEqual([true, true]);
    gate.resolve('restored');
    expect(await restore).toBe('restored');
    expect(lane.running).toBe(false);
  });

  test('is free again after a restore that failed', async () => {
    const { lane, made } = heldLane();
    await expect(lane.restore(() => Promise.reject(new Error('damaged')))).rejects.toThrow('damaged');
    const next = lane.backup('request');
    await settled();
    made[0]!.done();
    expect(await nameOf(next)).toBe('request 1');
  });

  test('lets no backup run beside a restore, also one that was waiting for its turn', async () => {
    const { lane, made } = heldLane();
    const first = lane.backup('schedule');
    await settled();
    made[0]!.cut();
    const waiting = lane.backup('uploads').catch(() => undefined);
    let ended = 0;
    const restore = lane.restore(async () => {
      await settled();
      expect(made).toHaveLength(ended);
    });
    for (const backup of [first, waiting]) {
      made[ended]?.done();
      ended += 1;
      await backup;
      await settled();
    }
    await restore;
  });

  test('is idle when nothing runs', async () => {
    const { lane, made } = heldLane();
    await lane.idle();
    const backup = lane.backup('request');
    await settled();
    let idle = false;
    const waiting = lane.idle().then(() => (idle = true));
    await settled();
    expect(idle).toBe(false);
    made[0]!.done();
    await Promise.all([backup, waiting]);
    expect(idle).toBe(true);
  });
});
