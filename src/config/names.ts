/** Every setting there is; the README's table and .env.example explain them. */
export const settingNames = [
  'NODE_ENV',
  'PORT',
  'HOST',
  'DATA_DIR',
  'DATABASE_PATH',
  'ADMIN_KEY',
  'DURABILITY',
  'MAX_UPLOAD_BYTES',
  'MAX_FILES_PER_UPLOAD',
  'MAX_PIXELS',
  'BACKUP_EVERY',
  'BACKUP_CRON',
  'BACKUP_KEEP_LAST',
  'BACKUP_KEEP_DAYS',
  'BACKUP_COPY',
  'LOG_LEVEL',
  'SHUTDOWN_TIMEOUT_SECONDS',
  'REQUEST_TIMEOUT_SECONDS',
  'IDLE_TIMEOUT_SECONDS',
  'CORS_ORIGINS',
] as const;

export type SettingName = (typeof settingNames)[number];

/** Settings of the design that this version cannot keep: to ignore them would break a promise without a word. */
const notHere: Readonly<Record<string, string>> = {
  DATABASE_URL:
    'it has no PostgreSQL. Remove it: rows are kept in a SQLite file, and DATABASE_PATH says where',
  UPLOADS_URL: 'it has no S3 storage. Remove it: uploads are kept in DATA_DIR',
  VAULT_URL:
    'it has no off-site vault. Remove it, and copy the folder backups/ off this machine by other means',
  BACKUP_ENCRYPT_TO:
    'it cannot encrypt backups. Remove it, and encrypt the copies you make of the folder backups/',
};

export function mistakesInNames(env: NodeJS.ProcessEnv): string[] {
  return Object.entries(notHere)
    .filter(([name]) => isSet(env, name))
    .map(([name, why]) => `${name} (set, not shown) is not for this version of Holdfast: ${why}.`);
}

/** Names that are none of ours but look as if they were meant to be. Their values may be secrets, so are not told. */
export function warningsAboutNames(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env)
    .filter((name) => isSet(env, name) && !(name in notHere) && !isSetting(name))
    .flatMap((name) => {
      const meant = meantBy(name);
      if (meant === undefined && !/^(BACKUPS?_|HOLDFAST_|MAX_UPLOAD)/.test(name)) return [];
      const hint = meant === undefined ? 'See .env.example for all there are.' : `Did you mean ${meant}?`;
      return [`${name} is not a setting of Holdfast and is ignored. ${hint}`];
    });
}

function isSet(env: NodeJS.ProcessEnv, name: string): boolean {
  return (env[name] ?? '').trim() !== '';
}

function isSetting(name: string): name is SettingName {
  return (settingNames as readonly string[]).includes(name);
}

function meantBy(name: string): SettingName | undefined {
  const bare = name.toUpperCase().replace(/^HOLDFAST_/, '');
  if (bare !== name && isSetting(bare) && (bare.length > 5 || name.startsWith('HOLDFAST_'))) return bare;
  const slips = bare.length >= 9 ? 2 : bare.length >= 6 ? 1 : 0; // short names are too often somebody else's
  return settingNames
    .map((setting) => ({ setting, distance: distanceBetween(bare, setting) }))
    .filter(({ distance }) => distance > 0 && distance <= slips)
    .sort((a, b) => a.distance - b.distance)[0]?.setting;
}

/** Letters to add, drop, change or swap with their neighbour (optimal string alignment distance). */
function distanceBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(change, rows[i - 1]![j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      }
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
