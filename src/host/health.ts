import type { Totals } from '../core/catalog.ts';
import type { Backup } from '../core/vault.ts';
import type { Platform } from './platform.ts';
import type { Probe } from './probe.ts';
import type { StorageJudgement } from './storage.ts';

/** All that an operator's health call shows; http/ decides who sees how much. */
export interface Health {
  readonly status: 'ok' | 'warn' | 'fail';
  readonly writable: boolean;
  /** Why uploads cannot be kept; null: they can. */
  readonly failure: string | null;
  readonly warnings: readonly string[];
  readonly storage: StorageJudgement;
  readonly platform: Platform;
  readonly freeBytes: number | null;
  readonly totals: Totals | null;
  readonly backup: BackupState;
  readonly vault: { readonly pending: Pending | null; readonly reachable: boolean };
}

/** What the vault has not got yet. */
export interface Pending {
  readonly blobs: number;
  readonly bytes: number;
}

export interface BackupState {
  readonly last: Backup | null;
  readonly nextAt: string | null;
  readonly uploadsSince: number;
  readonly every: number;
  /** Why the last one that was due could not be made. */
  readonly failed: string | null;
}

export interface HealthParts {
  /** Whether the disk takes files. */
  readonly probeDisk: Probe;
  /** Whether the catalog takes rows. */
  readonly probeCatalog: Probe;
  readonly storage: StorageJudgement;
  readonly platform: Platform;
  readonly freeBytes: () => Promise<number>;
  readonly totals: () => Promise<Totals>;
  readonly pending: () => Promise<Pending>;
  readonly backup: () => BackupState;
  /** What the process has met and an operator should know. */
  readonly troubles: () => readonly string[];
}

/** Below this much room a large upload is likely to fail. */
const lowBytes = 1024 * 1024 * 1024;

/** Only what keeps uploads from being kept is a failure: some hosts restart a service that says it fails. */
export async function readHealth(parts: HealthParts): Promise<Health> {
  const [disk, catalog] = await Promise.all([parts.probeDisk(), parts.probeCatalog()]);
  const failure = !disk.writable ? disk.reason : !catalog.writable ? `The catalog: ${catalog.reason}` : null;
  const freeBytes = await parts.freeBytes().catch(() => null);
  const totals = await parts.totals().catch(() => null);
  const pending = await parts.pending().catch(() => null);
  const backup = parts.backup();
  const warnings = [
    parts.storage.warning,
    freeBytes !== null && freeBytes < lowBytes
      ? `Only ${Math.floor(freeBytes / 2 ** 20)} MiB are free.`
      : null,
    backup.failed === null ? null : `The last backup failed: ${backup.failed}`,
    ...parts.troubles(),
  ].filter((warning) => warning !== null);
  return {
    status: failure !== null ? 'fail' : warnings.length > 0 ? 'warn' : 'ok',
    writable: failure === null,
    failure,
    warnings,
    storage: parts.storage,
    platform: parts.platform,
    freeBytes,
    totals,
    backup,
    vault: { pending, reachable: true },
  };
}
