import type { SnapshotRef, Timeline } from '../core/vault.ts';

/** What was found at boot, before anything was touched. */
export interface Found {
  readonly catalog:
    | { readonly state: 'sound'; readonly timeline: number; readonly schema: number; readonly stamp: string }
    | { readonly state: 'missing' }
    | { readonly state: 'damaged'; readonly why: string };
  readonly vault: {
    /** The newest; undefined: there is none. */
    readonly timeline: Timeline | undefined;
    /** The greatest stamp in a backup of that timeline. */
    readonly stamp: string;
    /** Snapshots of that timeline, and the one it was restored from, the newest first. */
    readonly snapshots: readonly SnapshotRef[];
    /** Whether its journal holds changes. */
    readonly journal: boolean;
  };
  /** Whether there are blobs in uploads/. */
  readonly blobs: boolean;
  readonly newestSchema: number;
}

/** Each may run twice. */
export type Step =
  | { readonly do: 'begin-timeline'; readonly timeline: Timeline }
  | { readonly do: 'refill-vault' }
  | { readonly do: 'backup-before-migration' }
  | {
      readonly do: 'rebuild';
      readonly timeline: number;
      readonly snapshots: readonly SnapshotRef[];
      readonly salvage: boolean;
    }
  | { readonly do: 'replay-journal'; readonly timeline: number }
  | { readonly do: 'sweep' };

export interface Plan {
  /** In words, for the log and for `holdfast doctor`. */
  readonly because: string;
  /** Whether an operator should be woken. */
  readonly alarming: boolean;
  readonly steps: readonly Step[];
}

/** From what was found to what to do; decides and touches nothing. */
export function planRecovery(found: Found, nowMs: number): Plan {
  return found.catalog.state === 'sound' ? planSound(found, found.catalog, nowMs) : planLost(found, nowMs);
}

type SoundCatalog = Extract<Found['catalog'], { state: 'sound' }>;

function planSound(found: Found, catalog: SoundCatalog, nowMs: number): Plan {
  const { vault } = found;
  const migrate: Step[] = catalog.schema < found.newestSchema ? [{ do: 'backup-before-migration' }] : [];
  if (vault.timeline === undefined || vault.timeline.number < catalog.timeline) {
    const begin: Step = { do: 'begin-timeline', timeline: firstTimeline(catalog.timeline, nowMs) };
    return {
      because: 'The catalog is sound; the vault is new or was emptied, and is filled again.',
      alarming: catalog.timeline > 0,
      steps: [begin, ...migrate, { do: 'refill-vault' }, { do: 'sweep' }],
    };
  }
  if (vault.timeline.number > catalog.timeline) {
    return {
      because: `A restore began timeline ${vault.timeline.number}; the catalog of timeline ${catalog.timeline} is set aside.`,
      alarming: false,
      steps: [rebuild(found, vault.timeline.number, false), { do: 'sweep' }],
    };
  }
  if (catalog.stamp < vault.stamp) {
    return {
      because: 'The catalog is older than the newest backup: it is set aside, and rebuilt from the vault.',
      alarming: true,
      steps: [rebuild(found, catalog.timeline, false), { do: 'sweep' }],
    };
  }
  return {
    because: 'The catalog is sound.',
    alarming: false,
    steps: [...migrate, { do: 'replay-journal', timeline: catalog.timeline }, { do: 'sweep' }],
  };
}

function planLost(found: Found, nowMs: number): Plan {
  const { catalog, vault } = found;
  const lost =
    catalog.state === 'damaged' ? `The catalog is damaged (${catalog.why})` : 'There is no catalog';
  const begin: Step[] =
    vault.timeline === undefined ? [{ do: 'begin-timeline', timeline: firstTimeline(0, nowMs) }] : [];
  const number = vault.timeline?.number ?? 0;
  if (vault.snapshots.length > 0 || vault.journal) {
    return {
      because: `${lost}: it is rebuilt from the vault, and what only uploads/ has is salvaged.`,
      alarming: true,
      steps: [...begin, rebuild(found, number, true), { do: 'sweep' }],
    };
  }
  if (found.blobs || catalog.state === 'damaged') {
    return {
      because: `${lost} and the vault is empty: media are salvaged from uploads/, without their names and tags.`,
      alarming: true,
      steps: [...begin, rebuild(found, number, true), { do: 'refill-vault' }, { do: 'sweep' }],
    };
  }
  return { because: 'This is the first start.', alarming: false, steps: begin };
}

function rebuild({ vault }: Found, timeline: number, salvage: boolean): Step {
  return { do: 'rebuild', timeline, snapshots: vault.snapshots, salvage };
}

function firstTimeline(number: number, nowMs: number): Timeline {
  return { number, parent: null, restored: null, snapshot: null, createdAt: new Date(nowMs).toISOString() };
}
