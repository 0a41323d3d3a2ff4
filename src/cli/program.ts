import { Command, CommanderError } from 'commander';
import { HoldfastError, isHoldfastError } from '../core/error.ts';
import { backupCommand } from './backup.ts';
import { backupsCommand } from './backups.ts';
import { doctorCommand, type Diagnose } from './doctor.ts';
import { exitCodeOf } from './exit.ts';
import { keysCommand } from './keys.ts';
import type { Act, Operator } from './operator.ts';
import { restoreCommand } from './restore.ts';
import type { Terminal } from './terminal.ts';
import { verifyCommand } from './verify.ts';

export interface ProgramParts extends Terminal {
  readonly version: string;
  /** Runs the service until it is told to stop. */
  readonly serve: () => Promise<number>;
  readonly operator: () => Promise<Operator>;
  readonly plan: Diagnose;
}

/** Runs the command in `args`; resolves to the exit code. */
export async function runCommand(args: readonly string[], parts: ProgramParts): Promise<number> {
  let exitCode = 0;
  const program = new Command('holdfast')
    .description('Takes in pictures and videos over HTTP and does not lose them.')
    .version(parts.version)
    .exitOverride()
    .configureOutput({ writeOut: parts.print, writeErr: parts.printError });
  program
    .command('serve')
    .description('run the service (settings: see .env.example)')
    .action(async () => {
      exitCode = await parts.serve();
    });
  const act: Act = async (json, work) => {
    const operator = await parts.operator();
    try {
      const { answer, text } = await work(operator);
      parts.print(json ? `${JSON.stringify(answer, null, 2)}\n` : text);
    } finally {
      await operator.close();
    }
  };
  for (const command of [backupCommand, backupsCommand, restoreCommand, verifyCommand, keysCommand]) {
    program.addCommand(inherit(program, command(act, parts)));
  }
  program.addCommand(inherit(program, doctorCommand(parts.plan, act, parts)));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return failed(error, args.includes('--json'), parts);
  }
}

function inherit(program: Command, command: Command): Command {
  command.copyInheritedSettings(program);
  for (const below of command.commands) inherit(command, below);
  return command;
}

function failed(error: unknown, json: boolean, parts: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const known = isHoldfastError(error)
    ? error
    : new HoldfastError('internal', error instanceof Error ? (error.stack ?? error.message) : String(error));
  if (json) parts.print(`${JSON.stringify({ code: known.code, detail: known.message }, null, 2)}\n`);
  else parts.printError(`holdfast: ${known.message}\n`);
  return exitCodeOf(known.code);
}
