import { Command } from 'commander';
import { isHoldfastError } from '../core/error.ts';
import { call, type Act } from './operator.ts';
import { sizeText, type Terminal } from './terminal.ts';

/** What the next start would do, and what lies under the data. */
export type Diagnose = () => Promise<{
  readonly plan: { readonly because: string; readonly steps: readonly { readonly do: string }[] };
  readonly storage: { readonly durable: string; readonly reason: string; readonly warning: string | null };
  readonly freeBytes: number;
  readonly damage: readonly string[];
}>;

/** `holdfast doctor`: of a running service its health, else what the next start would do. */
export function doctorCommand(diagnose: Diagnose, act: Act, terminal: Terminal): Command {
  return new Command('doctor')
    .description('say how things are and what the next start would do; changes nothing')
    .option('--json', 'print it as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      try {
        const found = await diagnose();
        terminal.print(json === true ? `${JSON.stringify(found, null, 2)}\n` : describe(found));
      } catch (error) {
        if (!isHoldfastError(error, 'busy')) throw error;
        await act(json === true, async (operator) => {
          const health = await call<RunningHealth>(operator, 'GET', '/api/health');
          return { answer: health, text: describeRunning(health) };
        });
      }
    });
}

function describe({ plan, storage, freeBytes, damage }: Awaited<ReturnType<Diagnose>>): string {
  const steps = plan.steps.map((step) => step.do).join(', ');
  return [
    `data      ${plan.because}`,
    `next      ${steps === '' ? 'nothing has to be done' : steps}`,
    `storage   ${storage.durable}: ${storage.reason}`,
    ...(storage.warning === null ? [] : [`          ${storage.warning}`]),
    `free      ${sizeText(freeBytes)}`,
    ...damage.map((what) => `damaged   ${what}`),
    '',
  ].join('\n');
}

interface RunningHealth {
  status: string;
  failure: string | null;
  warnings: string[];
  persistence: { durable: string; reason: string; freeBytes: number | null };
  catalog: { media: number | null };
}

function describeRunning({ status, failure, warnings, persistence, catalog }: RunningHealth): string {
  return [
    `service   runs: ${status}${failure === null ? '' : `, ${failure}`}`,
    `data      ${catalog.media ?? '?'} media`,
    `storage   ${persistence.durable}: ${persistence.reason}`,
    `free      ${persistence.freeBytes === null ? '?' : sizeText(persistence.freeBytes)}`,
    ...warnings.map((warning) => `warning   ${warning}`),
    '',
  ].join('\n');
}
