import { Command } from 'commander';
import { HoldfastError } from '../core/error.ts';
import { call, type Act, type Operator } from './operator.ts';
import { withProgress, type Terminal } from './terminal.ts';

/** `holdfast verify [name]` */
export function verifyCommand(act: Act, terminal: Terminal): Command {
  return new Command('verify')
    .description('read every byte of a backup and check it')
    .argument('[name]', 'a backup; the newest when left out')
    .option('--json', 'print the backup with the result as JSON')
    .action((name: string | undefined, { json }: { json?: boolean }) =>
      act(json === true, async (operator) => {
        const wanted = name ?? (await newest(operator));
        const path = `/api/backups/${encodeURIComponent(wanted)}/verify`;
        const backup = await withProgress(terminal, `verifying ${wanted}`, () =>
          call<{ name: string; media: number; blobs: number }>(operator, 'POST', path),
        );
        return {
          answer: backup,
          text: `${backup.name} is good: ${backup.media} media, ${backup.blobs} blobs read.\n`,
        };
      }),
    );
}

async function newest(operator: Operator): Promise<string> {
  const { items } = await call<{ items: { name: string }[] }>(operator, 'GET', '/api/backups');
  if (items[0] === undefined)
    throw new HoldfastError('not-found', 'There are no backups yet: holdfast backup makes one.');
  return items[0].name;
}
