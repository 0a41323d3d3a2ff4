import { Command, Option } from 'commander';
import { scopes } from '../core/key.ts';
import { call, type Act } from './operator.ts';
import { table } from './terminal.ts';

interface Key {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string;
  expiresAt: string | null;
  key?: string;
}

/** `holdfast keys add|list|revoke` */
export function keysCommand(act: Act): Command {
  const command = new Command('keys').description('who may do what');
  command.addCommand(addCommand(act));
  command.addCommand(listCommand(act));
  command.addCommand(revokeCommand(act));
  return command;
}

function addCommand(act: Act): Command {
  return new Command('add')
    .description('make a key; it is shown this one time')
    .argument('<name>', 'what it is for')
    .addOption(
      new Option('--scopes <scope...>', 'what it may do').choices(scopes).default(['upload', 'read']),
    )
    .option('--expires-at <time>', 'when it ends, like 2027-01-31T12:00:00Z')
    .option('--json', 'print it as JSON')
    .action((name: string, given: { scopes: string[]; expiresAt?: string; json?: boolean }) =>
      act(given.json === true, async (operator) => {
        const expiresAt = given.expiresAt ?? null;
        const key = await call<Key>(operator, 'POST', '/api/keys', { name, scopes: given.scopes, expiresAt });
        return { answer: key, text: `${key.key}\n` };
      }),
    );
}

function listCommand(act: Act): Command {
  return new Command('list')
    .description('list the keys, without their secrets')
    .option('--json', 'print them as JSON')
    .action(({ json }: { json?: boolean }) =>
      act(json === true, async (operator) => {
        const list = await call<{ items: Key[] }>(operator, 'GET', '/api/keys');
        const rows = list.items.map((key) => [
          key.id,
          key.name,
          key.scopes.join(','),
          key.createdAt,
          key.expiresAt ?? 'never',
        ]);
        const text =
          rows.length === 0
            ? 'There are no keys.\n'
            : table([['ID', 'NAME', 'SCOPES', 'MADE', 'EXPIRES'], ...rows]);
        return { answer: list, text };
      }),
    );
}

function revokeCommand(act: Act): Command {
  return new Command('revoke')
    .description('end a key at once')
    .argument('<id>', 'its id, as `holdfast keys list` shows it')
    .option('--json', 'print the result as JSON')
    .action((id: string, { json }: { json?: boolean }) =>
      act(json === true, async (operator) => {
        await call(operator, 'DELETE', `/api/keys/${encodeURIComponent(id)}`);
        return { answer: { revoked: id }, text: `${id} is revoked.\n` };
      }),
    );
}
