import { Command } from 'commander';
import { call, type Act } from './operator.ts';
import { sizeText, table } from './terminal.ts';

interface Listed {
  name: string;
  reason?: string;
  media?: number;
  bytes?: number;
  damaged?: string;
  verified: { ok: boolean; level: string; at: string | null } | null;
}

/** `holdfast backups` */
export function backupsCommand(act: Act): Command {
  return new Command('backups')
    .description('list the backups, newest first')
    .option('--json', 'print them as JSON')
    .action(({ json }: { json?: boolean }) =>
      act(json === true, async (operator) => {
        const list = await call<{ items: Listed[] }>(operator, 'GET', '/api/backups');
        const rows = list.items.map((one) => [
          one.name,
          one.reason ?? 'damaged',
          String(one.media ?? '?'),
          one.bytes === undefined ? '?' : sizeText(one.bytes),
          checkText(one),
        ]);
        const text =
          rows.length === 0
            ? 'There are no backups yet: holdfast backup makes one.\n'
            : table([heads, ...rows]);
        return { answer: list, text };
      }),
    );
}

const heads = ['NAME', 'REASON', 'MEDIA', 'SIZE', 'CHECKED'];

function checkText({ verified, damaged }: Listed): string {
  if (damaged !== undefined) return damaged;
  if (verified === null) return 'never';
  return `${verified.ok ? 'good' : 'DAMAGED'}, ${verified.level === 'made' ? 'when made' : verified.at}`;
}
