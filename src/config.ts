import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { schedule } from './config/cron.ts';
import { mistakesInNames, warningsAboutNames, type SettingName } from './config/names.ts';
import { accessKey, address, bytes, oneOf, origins, path, wholeNumber, type Parse } from './config/values.ts';
import { HoldfastError, systemCode } from './core/error.ts';
import { hostVariables, isPublicHost, platformOf, type HostEnv, type Platform } from './host/platform.ts';

export interface Settings {
  readonly production: boolean;
  readonly platform: Platform;
  readonly port: number;
  readonly host: string;
  /** Absolute, as the next one. */
  readonly dataDir: string;
  readonly databasePath: string;
  readonly adminKey: string | null;
  readonly durability: 'disk';
  readonly maxUploadBytes: number;
  /** Of one request. */
  readonly maxFiles: number;
  readonly maxPixels: number;
  /** Uploads between two backups; 0: off. */
  readonly backupEvery: number;
  /** null: off. */
  readonly backupCron: string | null;
  readonly backupKeepLast: number;
  readonly backupKeepDays: number;
  /** `copy`: a reflink where the file system can, else a copy. `link`: hard links, which share their damage. */
  readonly backupCopy: 'copy' | 'link';
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  readonly shutdownTimeoutMs: number;
  /** For a whole request; 0: no limit. */
  readonly requestTimeoutMs: number;
  /** For a connection on which nothing moves; 0: no limit. */
  readonly idleTimeoutMs: number;
  readonly corsOrigins: '*' | readonly string[];
  readonly hostEnv: HostEnv;
  /** For the operator, at start. */
  readonly warnings: readonly string[];
}

/** The settings of this process. A variable that is set wins over its line in `.env`. @throws malformed */
export function settings(): Settings {
  const cwd = process.cwd();
  return readSettings({ ...envFile(cwd), ...process.env }, cwd);
}

/** Reads every setting, then reports every mistake at once. An empty value counts as not set. @throws malformed */
export function readSettings(env: NodeJS.ProcessEnv, cwd: string, fileExists = existsSync): Settings {
  const mistakes = mistakesInNames(env);
  const hostEnv = hostEnvOf(env);
  const platform = platformOf({ hostEnv, fileExists, processIds: [process.pid, process.ppid] });
  const production = env['NODE_ENV']?.trim() === 'production' || isPublicHost(platform);

  const dataDir = resolve(cwd, read('DATA_DIR', path, '.'));
  const databasePath = resolve(cwd, read('DATABASE_PATH', path, join(dataDir, 'catalog.db')));
  const found: Settings = {
    production,
    platform,
    port: read('PORT', wholeNumber(0, 65_535), 3000),
    host: read('HOST', address, defaultHost(production, platform)),
    dataDir,
    databasePath,
    adminKey: read<string | null>('ADMIN_KEY', accessKey, null),
    durability: read('DURABILITY', durability, 'disk'),
    maxUploadBytes: read('MAX_UPLOAD_BYTES', bytes, 5 * 2 ** 30),
    maxFiles: read('MAX_FILES_PER_UPLOAD', wholeNumber(1, 10_000), 50),
    maxPixels: read('MAX_PIXELS', wholeNumber(1, 10_000_000_000), 100_000_000),
    backupEvery: read('BACKUP_EVERY', wholeNumber(0, 1_000_000_000), 10),
    backupCron: read('BACKUP_CRON', schedule, '0 3 * * *'),
    backupKeepLast: read('BACKUP_KEEP_LAST', wholeNumber(1, 100_000), 30),
    backupKeepDays: read('BACKUP_KEEP_DAYS', wholeNumber(0, 100_000), 30),
    backupCopy: read('BACKUP_COPY', oneOf('copy', 'link'), 'copy'),
    logLevel: read('LOG_LEVEL', oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'), 'info'),
    shutdownTimeoutMs: read('SHUTDOWN_TIMEOUT_SECONDS', wholeNumber(1, 3600), 30) * 1000,
    // six hours: 5 GiB at 2 Mbit/s
    requestTimeoutMs: read('REQUEST_TIMEOUT_SECONDS', wholeNumber(0, 604_800), 21_600) * 1000,
    idleTimeoutMs: read('IDLE_TIMEOUT_SECONDS', wholeNumber(0, 86_400), 60) * 1000,
    corsOrigins: read<Settings['corsOrigins']>('CORS_ORIGINS', origins, []),
    hostEnv,
    warnings: [...warningsAboutNames(env), ...warningsAboutValues(env, dataDir, databasePath)],
  };
  if (mistakes.length > 0) throw allAtOnce(mistakes);
  return frozen(found);

  function read<T>(name: SettingName, parse: Parse<T>, fallback: T): T {
    const text = env[name]?.trim() ?? '';
    if (text === '') return fallback;
    const parsed = parse(text);
    if ('value' in parsed) return parsed.value;
    mistakes.push(`${name} (${shown(name, text)}) ${parsed.wrong}. ${parsed.write}`);
    return fallback;
  }
}

const durability: Parse<'disk'> = (text) => {
  if (text === 'disk') return { value: 'disk' };
  const wrong =
    text === 'vault' ? 'needs an off-site vault, which this version does not have' : 'is not known';
  return { wrong, write: 'Write disk, or leave it out.' };
};

/**
 * Where keys guard it, or where nothing outside could reach a loopback address (a container), every address; otherwise
 * this machine only: whoever tries Holdfast without a key has not decided to show it to the network.
 */
function defaultHost(production: boolean, platform: Platform): string {
  if (!production && platform !== 'docker') return '127.0.0.1';
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // `::` takes IPv4 as well, but cannot be bound where IPv6 is switched off
  return addresses.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';
}

function hostEnvOf(env: NodeJS.ProcessEnv): HostEnv {
  return Object.fromEntries(hostVariables.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

function warningsAboutValues(env: NodeJS.ProcessEnv, dataDir: string, databasePath: string): string[] {
  const warnings: string[] = [];
  const mode = env['NODE_ENV']?.trim() ?? '';
  if (!['', 'production', 'development', 'test'].includes(mode)) {
    warnings.push(`NODE_ENV is ${JSON.stringify(mode)}: only "production" makes this a production service.`);
  }
  if (relative(dataDir, databasePath).startsWith('..')) {
    warnings.push(
      'DATABASE_PATH is outside DATA_DIR: see to it that its disk survives too, and is nobody else’s.',
    );
  }
  return warnings;
}

/** Passwords that were pasted into a setting which holds none stay unseen, too. */
function shown(name: SettingName, text: string): string {
  if (name === 'ADMIN_KEY') return `${text.length} characters, not shown`;
  return JSON.stringify(text.replace(/\/\/.*@/, '//…@').slice(0, 100));
}

function allAtOnce(mistakes: readonly string[]): HoldfastError {
  const title = mistakes.length === 1 ? 'One setting is wrong' : `${mistakes.length} settings are wrong`;
  return new HoldfastError('malformed', [`${title}:`, ...mistakes].join('\n  '));
}

function envFile(folder: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(join(folder, '.env'), 'utf8'));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return {};
    throw new HoldfastError('malformed', 'The file .env cannot be read.', { cause: error });
  }
}

function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value))
    if (typeof part === 'object' && part !== null) frozen(part as object);
  return Object.freeze(value);
}
