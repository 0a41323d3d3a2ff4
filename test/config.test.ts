import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { validate } from 'node-cron';
import { readSettings, settings, type Settings } from '../src/config.ts';
import { schedule } from '../src/config/cron.ts';
import { settingNames } from '../src/config/names.ts';
import { isHoldfastError } from '../src/core/error.ts';

const adminKey = 'a-key-of-more-than-20-characters';
const everyAddress = /^(::|0\.0\.0\.0)$/;

/** On a machine where none of `files` exist but those named. */
function read(env: NodeJS.ProcessEnv, files: string[] = []): Settings {
  return readSettings(env, '/srv/app', (path) => files.includes(String(path)));
}

/** What is said about these settings; fails when nothing is. */
function refusal(env: NodeJS.ProcessEnv): string {
  try {
    read(env);
  } catch (error) {
    if (isHoldfastError(error, 'malformed')) return error.message;
    throw error;
  }
  throw new Error('The settings were taken.');
}

describe('Settings', () => {
  test('have a default for everything', () => {
    expect(read({})).toEqual({
      production: false,
      platform: 'plain',
      port: 3000,
      host: '127.0.0.1',
      dataDir: '/srv/app',
      databasePath: '/srv/app/catalog.db',
      adminKey: null,
      durability: 'disk',
      maxUploadBytes: 5 * 1024 ** 3,
      maxFiles: 50,
      maxPixels: 100_000_000,
      backupEvery: 10,
      backupCron: '0 3 * * *',
      backupKeepLast: 30,
      backupKeepDays: 30,
      backupCopy: 'copy',
      logLevel: 'info',
      shutdownTimeoutMs: 30_000,
      requestTimeoutMs: 21_600_000,
      idleTimeoutMs: 60_000,
      corsOrigins: [],
      hostEnv: {},
      warnings: [],
    });
  });

  test('are taken from the environment', () => {
    const found = read({
      NODE_ENV: 'production',
      PORT: '0',
      HOST: '::1',
      DATA_DIR: 'data',
      ADMIN_KEY: adminKey,
      DURABILITY: 'disk',
      MAX_UPLOAD_BYTES: '500MB',
      MAX_FILES_PER_UPLOAD: '5',
      MAX_PIXELS: '1000',
      BACKUP_EVERY: '0',
      BACKUP_CRON: 'off',
      BACKUP_KEEP_LAST: '7',
      BACKUP_KEEP_DAYS: '0',
      BACKUP_COPY: 'link',
      LOG_LEVEL: 'debug',
      SHUTDOWN_TIMEOUT_SECONDS: '5',
      REQUEST_TIMEOUT_SECONDS: '0',
      IDLE_TIMEOUT_SECONDS: '10',
      CORS_ORIGINS: 'https://a.example, http://localhost:5173',
    });
    expect(found).toMatchObject({
      production: true,
      port: 0,
      host: '::1',
      dataDir: '/srv/app/data',
      databasePath: '/srv/app/data/catalog.db',
      adminKey,
      maxUploadBytes: 500_000_000,
      maxFiles: 5,
      maxPixels: 1000,
      backupEvery: 0,
      backupCron: null,
      backupKeepLast: 7,
      backupKeepDays: 0,
      backupCopy: 'link',
      logLevel: 'debug',
      shutdownTimeoutMs: 5000,
      requestTimeoutMs: 0,
      idleTimeoutMs: 10_000,
      corsOrigins: ['https://a.example', 'http://localhost:5173'],
      warnings: [],
    });
  });

  test('that are empty or blank are not set', () => {
    expect(read({ PORT: '', HOST: ' ', ADMIN_KEY: '', DATABASE_URL: '', BACKUP_EVRY: '' })).toEqual(read({}));
  });

  test('cannot be changed, nor can what is in them', () => {
    const found = read({ CORS_ORIGINS: 'https://a.example', BACKUP_EVRY: '5', DYNO: 'web.1' });
    const parts = [found, found.corsOrigins, found.warnings, found.hostEnv];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true, true]);
  });

  test.each([
    ['1', 1],
    ['1048576', 1_048_576],
    ['500MB', 500_000_000],
    ['2GiB', 2_147_483_648],
    ['1.5 GB', 1_500_000_000],
    ['10kib', 10_240],
  ])('take %s as an amount of bytes', (text, expected) => {
    expect(read({ MAX_UPLOAD_BYTES: text }).maxUploadBytes).toBe(expected);
  });

  test.each([['*', '*'] as const, ['https://a.example', ['https://a.example']] as const])(
    'take %s as origins',
    (text, expected) => expect(read({ CORS_ORIGINS: text }).corsOrigins).toEqual(expected),
  );

  test('pick from the environment only the variables of hosts', () => {
    const env = {
      RAILWAY_PROJECT_ID: 'p',
      RAILWAY_VOLUME_MOUNT_PATH: '/data',
      AWS_SECRET_ACCESS_KEY: 's',
      HOME: '/',
    };
    expect(read(env).hostEnv).toEqual({ RAILWAY_PROJECT_ID: 'p', RAILWAY_VOLUME_MOUNT_PATH: '/data' });
  });

  test('are all explained in .env.example, with their defaults', () => {
    const example = readFileSync(fileURLToPath(new URL('../.env.example', import.meta.url)), 'utf8');
    const lines = parseEnv(example.replaceAll(/^#(?=[A-Z_]+=)/gm, ''));
    expect(Object.keys(lines).sort()).toEqual([...settingNames].sort());
    const { DATA_DIR, DATABASE_PATH, CORS_ORIGINS, ...defaults } = lines;
    expect([DATA_DIR, DATABASE_PATH, CORS_ORIGINS]).not.toContain(undefined);
    expect(read(defaults)).toEqual(read({}));
  });
});

describe('The address to listen on', () => {
  test('is this machine only where anyone may do everything without a key', () => {
    expect(read({}).host).toBe('127.0.0.1');
    expect(read({ NODE_ENV: 'development', ADMIN_KEY: adminKey }).host).toBe('127.0.0.1');
  });

  test('is every one in production, in a container and on a known host', () => {
    expect(read({ NODE_ENV: 'production' }).host).toMatch(everyAddress);
    expect(read({}, ['/.dockerenv']).host).toMatch(everyAddress);
    expect(read({ RENDER: 'true' }).host).toMatch(everyAddress);
  });
});

describe('Production', () => {
  test('is what NODE_ENV says', () => {
    expect(read({ NODE_ENV: 'production' }).production).toBe(true);
    expect(read({ NODE_ENV: 'test' }).production).toBe(false);
  });

  test('is any known host, whatever NODE_ENV says', () => {
    expect(read({ NODE_ENV: 'development', FLY_MACHINE_ID: 'm' })).toMatchObject({
      production: true,
    });
    expect(read({ KUBERNETES_SERVICE_HOST: '10.0.0.1' })).toMatchObject({ production: true });
  });

  test('is not a container alone: a development container is one, too', () => {
    expect(read({}, ['/.dockerenv'])).toMatchObject({ production: false, platform: 'docker' });
  });
});

describe('Mistakes', () => {
  test('are told all at once, each with its value and what to write instead', () => {
    const lines = refusal({ PORT: '80a', BACKUP_COPY: 'move', LOG_LEVEL: 'loud', BACKUP_EVERY: '5' }).split(
      '\n  ',
    );
    expect(lines).toEqual([
      '3 settings are wrong:',
      'PORT ("80a") is not a whole number. Write a whole number from 0 to 65535.',
      'BACKUP_COPY ("move") is none of the choices. Write copy or link.',
      'LOG_LEVEL ("loud") is none of the choices. Write fatal or error or warn or info or debug or trace or silent.',
    ]);
  });

  test('never show a secret', () => {
    const told = refusal({
      ADMIN_KEY: 'hunter2',
      DATABASE_PATH: 'postgres://me:hunter2@db/hold',
      CORS_ORIGINS: 'https://me:hunter2@app.example',
      DATABASE_URL: 'postgres://me:hunter2@db/hold',
    });
    expect(told).toMatch(/^4 settings are wrong:/);
    expect(told).toContain('ADMIN_KEY (7 characters, not shown) is too short to be safe.');
    expect(told).not.toContain('hunter2');
  });

  test.each([
    ['DATABASE_URL', 'postgres://db/hold', /PostgreSQL/],
    ['UPLOADS_URL', 's3://bucket/prefix', /S3/],
    ['VAULT_URL', 's3://bucket/prefix', /off-site vault/],
    ['BACKUP_ENCRYPT_TO', 'age1xyz', /encrypt/],
    ['DURABILITY', 'vault', /off-site vault/],
  ])('are %s and what else this version does not have', (name, value, said) => {
    expect(refusal({ [name]: value })).toMatch(said);
    expect(refusal({ [name]: value })).toContain(name);
  });

  test.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3e3'],
    ['HOST', 'http://localhost'],
    ['HOST', '[::]'],
    ['HOST', '0.0.0.0:80'],
    ['DATA_DIR', '~/holdfast'],
    ['DATA_DIR', 's3://bucket'],
    ['DATABASE_PATH', ':memory:'],
    ['DATABASE_PATH', 'file:catalog.db'],
    ['ADMIN_KEY', 'nineteen-characters'],
    ['ADMIN_KEY', 'twenty characters and more'],
    ['ADMIN_KEY', 'schlüssel-mit-umlauten'],
    ['MAX_UPLOAD_BYTES', '0'],
    ['MAX_UPLOAD_BYTES', '5G'],
    ['MAX_UPLOAD_BYTES', '1e9'],
    ['MAX_UPLOAD_BYTES', '99999999TB'],
    ['MAX_UPLOAD_BYTES', 'GB'],
    ['BACKUP_KEEP_LAST', '0'],
    ['BACKUP_KEEP_LAST', '1.5'],
    ['SHUTDOWN_TIMEOUT_SECONDS', '0'],
    ['CORS_ORIGINS', 'https://app.example.com/'],
    ['CORS_ORIGINS', 'app.example.com'],
    ['CORS_ORIGINS', 'null'],
    ['CORS_ORIGINS', ','],
  ])('are %s=%s', (name, value) => {
    expect(refusal({ [name]: value })).toMatch(new RegExp(`^One setting is wrong:\n {2}${name} `));
  });
});

describe('Warnings', () => {
  test.each([
    ['BACKUP_EVRY', 'Did you mean BACKUP_EVERY?'],
    ['DATADIR', 'Did you mean DATA_DIR?'],
    ['data_dir', 'Did you mean DATA_DIR?'],
    ['HOLDFAST_PORT', 'Did you mean PORT?'],
    ['ADMIN_KYE', 'Did you mean ADMIN_KEY?'],
    ['CORS_ORIGIN', 'Did you mean CORS_ORIGINS?'],
    ['MAX_UPLOAD_SIZE', 'See .env.example'],
    ['BACKUP_BUCKET', 'See .env.example'],
    ['HOLDFAST_SECRET', 'See .env.example'],
  ])('are given about %s, without its value', (name, hint) => {
    const { warnings } = read({ [name]: 'hunter2' });
    expect(warnings).toEqual([expect.stringContaining(`${name} is not a setting of Holdfast`)]);
    expect(warnings[0]).toContain(hint);
    expect(warnings[0]).not.toContain('hunter2');
  });

  test('are not given about what belongs to others', () => {
    expect(
      read({ PATH: '/bin', HOSTNAME: 'web-1', HOSTS: 'x', POST: 'x', TERM: 'dumb', AWS_REGION: 'x' })
        .warnings,
    ).toEqual([]);
  });

  test('are given about a misspelt production and a catalog outside DATA_DIR', () => {
    expect(read({ NODE_ENV: 'prod' }).warnings).toEqual([expect.stringContaining('NODE_ENV is "prod"')]);
    expect(read({ DATABASE_PATH: '/mnt/x.db' }).warnings).toEqual([
      expect.stringContaining('outside DATA_DIR'),
    ]);
  });
});

describe('A schedule', () => {
  test.each([
    '0 3 * * *',
    '*/5 * * * *',
    '0 0 1,15 * 1-5',
    '30 2 * jan-mar sun',
    '0 0 * * 7',
    '*/10 * * * * *',
    '0-30/5 1 * * *',
  ])('may be %s', (text) => expect(read({ BACKUP_CRON: text }).backupCron).toBe(text));

  test.each([
    '',
    'daily',
    '* * * *',
    '60 * * * *',
    '0 24 * * *',
    '0 0 0 * *',
    '0 0 * 13 *',
    '5-1 * * * *',
    '*/0 * * * *',
    '1/2 * * * *',
    '@daily',
    '* * * * * * *',
    '1, * * * *',
    '* * * * 1-2-3',
  ])('may not be %j', (text) => expect(schedule(text)).toHaveProperty('wrong'));

  test('that is taken is one that node-cron takes, too', () => {
    const value = fc.oneof(
      fc.integer({ min: 0, max: 61 }).map(String),
      fc.constantFrom('*', 'mon', 'JAN', '', '7'),
    );
    const range = fc.oneof(
      value,
      fc.tuple(value, value).map((ends) => ends.join('-')),
    );
    const part = fc.oneof(
      range,
      fc.tuple(range, value).map((step) => step.join('/')),
    );
    const field = fc.oneof(
      fc.constant('*'),
      fc.array(part, { minLength: 1, maxLength: 2 }).map((list) => list.join(',')),
    );
    const text = fc.array(field, { minLength: 5, maxLength: 6 }).map((fields) => fields.join(' '));
    fc.assert(
      fc.property(text, (cron) => 'wrong' in schedule(cron) || validate(cron)),
      { numRuns: 2000 },
    );
  });
});

describe('The settings of this process', () => {
  afterEach(() => void jest.restoreAllMocks());

  test('come from .env where the environment does not say otherwise', () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
    writeFileSync(join(folder, '.env'), 'BACKUP_KEEP_LAST=3\nBACKUP_KEEP_DAYS=4 # days\n');
    jest.spyOn(process, 'cwd').mockReturnValue(folder);
    process.env['BACKUP_KEEP_DAYS'] = '5';
    try {
      expect(settings()).toMatchObject({ dataDir: folder, backupKeepLast: 3, backupKeepDays: 5 });
    } finally {
      delete process.env['BACKUP_KEEP_DAYS'];
      rmSync(folder, { recursive: true });
    }
  });
});
