import type { Logger } from 'pino';
import type { BackupLane } from '../backups/lane.ts';
import type { CreateParts } from '../backups/create.ts';
import type { Restored, RestoreOptions } from '../backups/restore.ts';
import type { BlobStore } from '../core/blob.ts';
import type { Catalog } from '../core/catalog.ts';
import type { Clock, Ids } from '../core/clock.ts';
import type { Intake } from '../core/blob.ts';
import type { Health } from '../host/health.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { KeyParts } from '../keys/keys.ts';
import type { EditParts } from '../media/edit.ts';
import type { Signer } from '../media/sign.ts';
import type { Variants } from '../media/variants.ts';
import type { FinishParts } from '../uploads/finish.ts';
import type { Repeatable } from '../uploads/idempotency.ts';

/** What HTTP needs of Holdfast. */
export interface Service {
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly keyring: Keyring;
  readonly keys: KeyParts;
  readonly edit: EditParts;
  readonly signer: Signer;
  readonly variants: Variants;
  readonly intake: Intake;
  readonly finish: FinishParts;
  readonly admit: (owner: string | null, key: string) => Repeatable;
  readonly lane: BackupLane;
  readonly backups: CreateParts;
  readonly restore: (name: string, options: RestoreOptions) => Promise<Restored>;
  readonly health: () => Promise<Health>;
}

export interface HttpSettings {
  readonly maxUploadBytes: number;
  readonly maxPixels: number;
  /** Of one request. */
  readonly maxFiles: number;
  readonly corsOrigins: '*' | readonly string[];
  readonly version: string;
}

export interface HttpParts {
  readonly settings: HttpSettings;
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Undefined while Holdfast is still recovering. */
  readonly service: () => Service | undefined;
  /** Set from the first stop signal on: what comes is answered with `Connection: close`. */
  readonly stopping: () => boolean;
}
