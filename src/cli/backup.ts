import { Command } from 'commander';
import { call, type Act } from './operator.ts';
import { sizeText, withProgress, type Terminal } from './terminal.ts';

interface Backup {
  name: string;
  media: number;
  bytes: number;
  newBytes: number;
}

/** `holdfast backup` */
export function backupCommand(act: Act, terminal: Terminal): Command {
  return new Command('backup')
    .description('make a backup now')
    .option('--json', 'print the backup as JSON')
    .action(({ json }: { json?: boolean }) =>
      act(json === true, async (operator) => {
        const backup = await withProgress(terminal, 'backing up', () =>
          call<Backup>(operator, 'POST', '/api/backup'),
        );
        const { name, media, bytes, newBytes } = backup;
        const text = `${name}: ${media} media, ${sizeText(bytes)}, ${sizeText(newBytes)} of it new\n`;
        return { answer: backup, text };
      }),
    );
}
