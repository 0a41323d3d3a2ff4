import type { BlobRef } from '../core/blob.ts';
import type { Catalog } from '../core/catalog.ts';
import type { Change } from '../core/change.ts';
import type { BlobFacts } from '../core/media.ts';
import type { Vault } from '../core/vault.ts';
import { factsFor } from './facts.ts';
import type { Plan, Step } from './plan.ts';
import { rebuildCatalog, type RebuildParts } from './rebuild.ts';

export interface BeforeOpenParts extends RebuildParts {
  /** Keeps the catalog as it is before its schema changes. */
  readonly backupBeforeMigration: () => Promise<void>;
  /** Called before each step; a test kills the process there. */
  readonly onStep: (step: Step) => void | Promise<void>;
}

/** The steps that need a catalog nobody has open. Each is safe to repeat, so a crash in between is mended by the next boot. */
export async function applyBeforeOpen(parts: BeforeOpenParts, { steps }: Plan): Promise<void> {
  for (const step of steps) {
    await parts.onStep(step);
    if (step.do === 'begin-timeline') await parts.vault.timelines.begin(step.timeline);
    if (step.do === 'backup-before-migration') await parts.backupBeforeMigration();
    if (step.do === 'rebuild') await rebuildCatalog(parts, step);
  }
}

export interface AfterOpenParts {
  readonly catalog: Catalog;
  readonly vault: Vault;
  readonly factsOf: (ref: BlobRef) => Promise<BlobFacts | undefined>;
  readonly onNews: (news: string) => void;
}

const changesAtOnce = 500;

/** The steps that work on the running catalog, before it is served. Safe to repeat. */
export async function applyAfterOpen(parts: AfterOpenParts, { steps }: Plan): Promise<void> {
  for (const step of steps) {
    if (step.do === 'refill-vault') await parts.catalog.blobs.refill(parts.vault.name);
    if (step.do === 'replay-journal') await replayJournal(parts, step.timeline);
  }
}

/** A sound catalog has all of it already, unless somebody put an older file in its place. */
async function replayJournal(parts: AfterOpenParts, timeline: number): Promise<void> {
  const { catalog, vault, onNews } = parts;
  const before = await catalog.totals();
  let changes: Change[] = [];
  for await (const segment of vault.journal.segments(timeline)) {
    changes.push(...segment.changes);
    if (changes.length < changesAtOnce) continue;
    await replay(parts, changes);
    changes = [];
  }
  if (changes.length > 0) await replay(parts, changes);
  const { uploads } = await catalog.totals();
  if (uploads > before.uploads) {
    onNews(`the catalog was older than the journal: ${uploads - before.uploads} uploads were brought back`);
  }
}

/** Only media that the catalog lacks are looked into: there are seldom any. */
async function replay({ catalog, factsOf }: AfterOpenParts, changes: readonly Change[]): Promise<void> {
  const lacking = [];
  for (const change of changes) {
    if (change.table === 'media' && (await catalog.media(change.id)) === undefined) lacking.push(change);
  }
  await catalog.write({ changes, facts: await factsFor(lacking, factsOf) });
}
