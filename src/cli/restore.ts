import { Command } from 'commander';
import { call, type Act } from './operator.ts';
import { withProgress, type Terminal } from './terminal.ts';

interface Restored {
  restored: string;
  media: number;
  missingBlobs: number;
  previous: string | null;
}

/** `holdfast restore <name>` */
export function restoreCommand(act: Act, terminal: Terminal): Command {
  return new Command('restore')
    .description('put a backup in the place of what is there; the undo is named in the answer')
    .argument('<name>', 'a name that `holdfast backups` lists, or latest')
    .option('--dry-run', 'check everything and change nothing')
    .option('--json', 'print the result as JSON')
    .action((name: string, { dryRun, json }: { dryRun?: boolean; json?: boolean }) =>
      act(json === true, async (operator) => {
        const path = `/api/restore/${encodeURIComponent(name)}${dryRun === true ? '?dryRun=true' : ''}`;
        const restored = await withProgress(terminal, 'restoring', () =>
          call<Restored>(operator, 'POST', path),
        );
        return { answer: restored, text: describe(restored, dryRun === true) };
      }),
    );
}

function describe({ restored, media, missingBlobs, previous }: Restored, dryRun: boolean): string {
  const bytes = missingBlobs === 0 ? '' : `, ${missingBlobs} blobs come back from the vault`;
  if (dryRun) return `${restored} can be restored: ${media} media${bytes}. Nothing was changed.\n`;
  const undo = previous === null ? '' : `To undo it: holdfast restore ${previous}\n`;
  return `${restored} is restored: ${media} media${bytes}.\n${undo}`;
}
