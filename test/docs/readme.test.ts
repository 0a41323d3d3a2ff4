import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { settingNames } from '../../src/config/names.ts';
import { readSettings } from '../../src/config.ts';
import { scopes } from '../../src/core/key.ts';
import { docPages, project, readDoc, tableRows, unquoted } from './pages.ts';

const readme = readDoc('README.md');

describe('The table of settings', () => {
  const rows = tableRows(readme, 'setting');
  const folder = '/srv/holdfast';
  const read = (env: NodeJS.ProcessEnv) => readSettings(env, folder, () => false);

  test('has every setting once, and no other', () => {
    expect(rows.map(({ setting }) => unquoted(setting))).toEqual([...settingNames]);
  });

  test.each(rows)('says the default of $setting', (row) => {
    const [name, value] = [unquoted(row['setting']), unquoted(row['default'])];
    expect(value === '').toBe(row['default'] === 'none');
    expect(read({ [name]: value })).toEqual(read({}));
  });

  test('says of no setting that it has no default when it has one', () => {
    const none = rows.filter((row) => row['default'] === 'none').map(({ setting }) => unquoted(setting));
    expect({ none, adminKey: read({}).adminKey, corsOrigins: read({}).corsOrigins }).toEqual({
      none: ['ADMIN_KEY', 'CORS_ORIGINS'],
      adminKey: null,
      corsOrigins: [],
    });
  });
});

test('The table of scopes has every scope once, and no other', () => {
  expect(tableRows(readme, 'scope').map(({ scope }) => unquoted(scope))).toEqual([...scopes]);
});

test('The first shell lines of the README get, start and test it, and do nothing else', () => {
  const [, block] = /```sh\n(.*?)```/s.exec(readme) ?? [];
  expect(block?.split('\n')).toEqual([
    expect.stringMatching(/^git clone .+ holdfast$/),
    'cd holdfast',
    'npm ci && npm start',
    'npm ci && npm test',
    '',
  ]);
});

describe('Every link leads somewhere', () => {
  test.each(docPages())('in %s', (page) => {
    expect(linksIn(readDoc(page)).filter((link) => !leadsSomewhere(page, link))).toEqual([]);
  });
});

/** Those into the project; what is on the web is not asked for here. */
function linksIn(text: string): string[] {
  const prose = text.replace(/^```.*?^```$/gms, '').replace(/`[^`]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link!)
    .filter((link) => !/^https?:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [file = '', heading] = link.split('#');
  const target = file === '' ? page : normalize(join(dirname(page), file));
  if (!existsSync(join(project, target))) return false;
  return heading === undefined || headingsIn(readDoc(target)).includes(heading);
}

/** As they are named in links: small letters, words joined with dashes. */
function headingsIn(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
