import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIds } from '../../src/core/clock.ts';
import type { Change } from '../../src/core/change.ts';
import type { Vault } from '../../src/core/vault.ts';
import { openFolderVault } from '../../src/vault/folder.ts';

/** A vault in a folder of its own, and what it told of damage. */
export async function temporaryVault() {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-vault-'));
  const damage: string[] = [];
  const open = (writer: string): Promise<Vault> =>
    openFolderVault({ dir, writer, ids: createIds(randomBytes), onDamage: (what) => damage.push(what) });
  return {
    ...{ dir, damage, open, vault: await open('writer1') },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export function settingChange(id: string, ms = 1): Change {
  return {
    table: 'settings',
    id,
    stamp: `${String(ms).padStart(13, '0')}-w`,
    row: { text: `${id}\n"quoted" é` },
  };
}

/** The ids of the changes of each segment. */
export async function segmentsOf(vault: Vault, timeline = 0): Promise<string[][]> {
  const found: string[][] = [];
  for await (const { changes } of vault.journal.segments(timeline)) found.push(changes.map(({ id }) => id));
  return found;
}
