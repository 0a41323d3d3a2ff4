import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backupName } from '../../src/backups/names.ts';
import { superfluous, type Candidate } from '../../src/backups/retention.ts';
import { backupReasons, type Backup, type BackupReason } from '../../src/core/vault.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 5, 1);

function candidate(ageMs: number, reason: BackupReason, verified: boolean): Candidate {
  const createdMs = nowMs - ageMs;
  const backup = {
    name: backupName(createdMs),
    createdAt: new Date(createdMs).toISOString(),
    reason,
  } as Backup;
  return { backup, verified };
}

const ages = fc.integer({ min: 0, max: 90 * dayMs });
const candidates = fc
  .uniqueArray(ages, { maxLength: 40 })
  .chain((list) =>
    fc.tuple(
      ...list.map((age) =>
        fc
          .tuple(fc.constantFrom(...backupReasons), fc.boolean())
          .map(([reason, ok]) => candidate(age, reason, ok)),
      ),
    ),
  );
const retention = fc.record({
  keepLast: fc.integer({ min: 1, max: 10 }),
  keepDays: fc.integer({ min: 0, max: 60 }),
});
const newest = (list: readonly Candidate[]) =>
  [...list].sort((a, b) => (a.backup.name < b.backup.name ? 1 : -1))[0]?.backup.name;

function property(
  check: (
    all: readonly Candidate[],
    kept: { keepLast: number; keepDays: number },
    removed: Set<string>,
  ) => void,
) {
  fc.assert(
    fc.property(candidates, retention, (all, rules) => {
      check(all, rules, new Set(superfluous(all, rules, nowMs).map(({ name }) => name)));
    }),
    { numRuns: 300 },
  );
}

describe('Retention', () => {
  test('never drops the newest, nor the newest that was verified', () => {
    property((all, _rules, removed) => {
      expect(removed.has(newest(all) ?? '')).toBe(false);
      expect(removed.has(newest(all.filter(({ verified }) => verified)) ?? '')).toBe(false);
    });
  });

  test('never drops the undo of a restore within two days', () => {
    property((all, _rules, removed) => {
      const undo = all.filter(
        ({ backup }) =>
          backup.reason === 'before-restore' && Date.parse(backup.createdAt) > nowMs - 2 * dayMs,
      );
      for (const { backup } of undo) expect(removed.has(backup.name)).toBe(false);
    });
  });

  test('keeps of each reason as many as it is told, as long as they are not too old', () => {
    property((all, { keepLast, keepDays }, removed) => {
      for (const reason of backupReasons) {
        const own = all.filter(({ backup }) => backup.reason === reason).map(({ backup }) => backup);
        const last = own.sort((a, b) => (a.name < b.name ? 1 : -1)).slice(0, keepLast);
        for (const { name, createdAt } of last.filter(
          (one) => Date.parse(one.createdAt) >= nowMs - keepDays * dayMs,
        ))
          expect({ name, createdAt, dropped: removed.has(name) }).toMatchObject({ dropped: false });
      }
    });
  });

  test('drops nothing twice, nothing unknown, and does not depend on the order it is told in', () => {
    property((all, rules, removed) => {
      const turned = superfluous([...all].reverse(), rules, nowMs).map(({ name }) => name);
      expect(new Set(turned)).toEqual(removed);
      expect(turned).toHaveLength(removed.size);
    });
  });

  test('does drop what is more, and what is older', () => {
    const all = [0, 1, 2, 3, 40].map((days) => candidate(days * dayMs, 'request', true));
    const names = (keepLast: number, keepDays: number) =>
      superfluous(all, { keepLast, keepDays }, nowMs).map(({ name }) => name);
    expect(names(2, 100)).toEqual(all.slice(2).map(({ backup }) => backup.name));
    expect(names(100, 30)).toEqual([all[4]!.backup.name]);
    expect(names(100, 100)).toEqual([]);
  });

  test('does not let many automatic ones push out what an operator made', () => {
    const manual = candidate(10 * dayMs, 'request', true);
    const automatic = Array.from({ length: 50 }, (_, hour) => candidate(hour * 3_600_000, 'uploads', true));
    const removed = superfluous([manual, ...automatic], { keepLast: 5, keepDays: 30 }, nowMs);
    expect(removed).not.toContain(manual.backup);
    expect(removed).toHaveLength(45);
  });
});
