import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planRecovery, type Found } from '../../src/recovery/plan.ts';
import type { SnapshotRef, Timeline } from '../../src/core/vault.ts';

const nowMs = Date.UTC(2026, 0, 31);
const snapshot: SnapshotRef = { path: 'timelines/0/snapshots/w-1.db.zst', sizeBytes: 1, sha256: 'a' };
const timeline = (number: number): Timeline => ({
  number,
  parent: null,
  restored: null,
  snapshot: null,
  createdAt: '',
});
const sound = (number: number, schema = 1, stamp = 'b') =>
  ({ state: 'sound', timeline: number, schema, stamp }) as const;
const missing = { state: 'missing' } as const;
const damaged = { state: 'damaged', why: 'page 7' } as const;

function found(catalog: Found['catalog'], vault: Partial<Found['vault']> = {}, blobs = false): Found {
  return {
    catalog,
    vault: { timeline: undefined, stamp: 'b', snapshots: [], journal: false, ...vault },
    blobs,
    newestSchema: 1,
  };
}

const full = { timeline: timeline(0), snapshots: [snapshot], journal: true };
const stepsOf = (what: Found) => planRecovery(what, nowMs).steps.map((step) => step.do);

describe('The plan for what is found at boot', () => {
  test.each<[string, Found, string[], boolean]>([
    ['nothing at all: the first start', found(missing), ['begin-timeline'], false],
    [
      'a sound catalog on the timeline of the vault',
      found(sound(0), full),
      ['replay-journal', 'sweep'],
      false,
    ],
    [
      'a sound catalog that has not got as far as the newest backup: an older file was put in its place',
      found(sound(0, 1, 'a'), full),
      ['rebuild', 'sweep'],
      true,
    ],
    [
      'a later timeline in the vault',
      found(sound(0), { ...full, timeline: timeline(1) }),
      ['rebuild', 'sweep'],
      false,
    ],
    [
      'a sound catalog and an emptied vault',
      found(sound(0)),
      ['begin-timeline', 'refill-vault', 'sweep'],
      false,
    ],
    [
      'a sound catalog and a vault that was emptied after a restore',
      found(sound(2)),
      ['begin-timeline', 'refill-vault', 'sweep'],
      true,
    ],
    [
      'a sound catalog ahead of its vault',
      found(sound(3), full),
      ['begin-timeline', 'refill-vault', 'sweep'],
      true,
    ],
    ['no catalog and a vault with data', found(missing, full), ['rebuild', 'sweep'], true],
    [
      'no catalog and a vault with a journal only',
      found(missing, { timeline: timeline(0), journal: true }),
      ['rebuild', 'sweep'],
      true,
    ],
    ['a damaged catalog and a vault with data', found(damaged, full, true), ['rebuild', 'sweep'], true],
    [
      'no catalog, an empty vault, and blobs',
      found(missing, {}, true),
      ['begin-timeline', 'rebuild', 'refill-vault', 'sweep'],
      true,
    ],
    [
      'no catalog, a vault that was only begun, and blobs',
      found(missing, { timeline: timeline(0) }, true),
      ['rebuild', 'refill-vault', 'sweep'],
      true,
    ],
    [
      'a damaged catalog and nothing else',
      found(damaged),
      ['begin-timeline', 'rebuild', 'refill-vault', 'sweep'],
      true,
    ],
    ['a second start before anything was uploaded', found(missing, { timeline: timeline(0) }), [], false],
    [
      'an older schema',
      found(sound(0, 0), full),
      ['backup-before-migration', 'replay-journal', 'sweep'],
      false,
    ],
    [
      'an older schema and an emptied vault',
      found(sound(0, 0)),
      ['begin-timeline', 'backup-before-migration', 'refill-vault', 'sweep'],
      false,
    ],
  ])('%s', (_what, what, steps, alarming) => {
    const plan = planRecovery(what, nowMs);
    expect({ steps: plan.steps.map((step) => step.do), alarming: plan.alarming }).toEqual({
      steps,
      alarming,
    });
    expect(plan.because).toMatch(/\.$/);
  });

  test('begins timeline 0 the first time, and that of the catalog when the vault is new', () => {
    const [first] = planRecovery(found(missing), nowMs).steps;
    expect(first).toMatchObject({
      timeline: { number: 0, parent: null, snapshot: null, createdAt: '2026-01-31T00:00:00.000Z' },
    });
    expect(planRecovery(found(sound(4)), nowMs).steps[0]).toMatchObject({ timeline: { number: 4 } });
  });

  test('rebuilds the timeline of the vault from its snapshots, and salvages only where the catalog was lost', () => {
    const vault = { ...full, timeline: timeline(2) };
    expect(planRecovery(found(sound(1), vault), nowMs).steps[0]).toEqual({
      do: 'rebuild',
      timeline: 2,
      snapshots: [snapshot],
      salvage: false,
    });
    expect(planRecovery(found(missing, vault), nowMs).steps[0]).toMatchObject({
      do: 'rebuild',
      timeline: 2,
      salvage: true,
    });
  });
});

const anything: fc.Arbitrary<Found> = fc.record({
  catalog: fc.oneof(
    fc.constant(missing),
    fc.constant(damaged),
    fc.tuple(fc.nat(3), fc.nat(1)).map(([number, schema]) => sound(number, schema)),
  ),
  vault: fc.record({
    timeline: fc.option(fc.nat(3).map(timeline), { nil: undefined }),
    stamp: fc.constantFrom('', 'a', 'b', 'c'),
    snapshots: fc.constantFrom([], [snapshot]),
    journal: fc.boolean(),
  }),
  blobs: fc.boolean(),
  newestSchema: fc.constant(1),
});

describe('Whatever is found', () => {
  test('nothing starts empty while there is data anywhere', () => {
    fc.assert(
      fc.property(anything, (what) => {
        const hasData = what.vault.snapshots.length > 0 || what.vault.journal || what.blobs;
        fc.pre(what.catalog.state !== 'sound' && hasData);
        expect(stepsOf(what)).toContain('rebuild');
        expect(planRecovery(what, nowMs).alarming).toBe(true);
      }),
    );
  });

  test('the same is planned for the same, and what was found is left as it was', () => {
    fc.assert(
      fc.property(anything, (what) => {
        const before = structuredClone(what);
        expect(planRecovery(what, nowMs)).toEqual(planRecovery(what, nowMs));
        expect(what).toEqual(before);
      }),
    );
  });

  test('a schema is never changed without a backup of the catalog as it was', () => {
    fc.assert(
      fc.property(anything, (what) => {
        fc.pre(what.catalog.state === 'sound' && what.catalog.schema < what.newestSchema);
        const steps = stepsOf(what);
        expect(steps.includes('backup-before-migration') || steps.includes('rebuild')).toBe(true);
      }),
    );
  });

  test('there is a timeline in the vault when the steps are done', () => {
    fc.assert(
      fc.property(anything, (what) => {
        expect(what.vault.timeline !== undefined || stepsOf(what)[0] === 'begin-timeline').toBe(true);
      }),
    );
  });
});
