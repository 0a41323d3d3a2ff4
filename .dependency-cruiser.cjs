// The import rule: a folder imports downwards only, and a package has one home. Type imports count.

const between = ['uploads', 'media', 'backups', 'recovery', 'jobs', 'host', 'keys'];

const mayImport = {
  http: [...between, 'core'],
  cli: [...between, 'core'],
  recovery: ['backups', 'core'],
  uploads: ['core'],
  media: ['core'],
  backups: ['core'],
  jobs: ['core'],
  host: ['core'],
  keys: ['core'],
  // Parts of start.ts and config.ts, one folder each.
  start: [...between, 'http', 'catalog', 'blobs', 'vault', 'core'],
  config: ['host'],
  catalog: ['core'],
  blobs: ['core'],
  vault: ['core'],
  core: [],
};

const homes = [
  { packages: ['express', 'multer', 'helmet', 'pino-http', 'cors'], home: '^src/http/' },
  { packages: ['better-sqlite3', 'pg', 'kysely'], home: '^src/catalog/' },
  { packages: ['@aws-sdk/[^/]+'], home: '^src/(blobs|vault)/s3[.]ts$' },
  { packages: ['sharp'], home: '^src/media/' },
  { packages: ['commander'], home: '^src/cli/' },
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(mayImport).map(([folder, below]) => ({
      name: `${folder}-imports-downwards`,
      comment: `src/${folder}/ imports ${below.length > 0 ? `only ${below.join(', ')}` : 'no other folder'}.`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: {
        path: '^src/',
        pathNot: `^src/((${[folder, ...below].join('|')})/${folder === 'start' ? '|config[.]ts$' : ''})`,
      },
    })),
    ...homes.map(({ packages, home }) => ({
      name: `home-of-${packages[0].split('/')[0].replace('@', '')}`,
      comment: `${packages.join(', ')}: only in ${home}.`,
      severity: 'error',
      from: { path: '^src/', pathNot: home },
      to: {
        path: ['^', 'node_modules/', 'node_modules/@types/'].map((at) => `${at}(${packages.join('|')})(/|$)`),
      },
    })),
    {
      name: 'home-of-child-processes',
      comment: 'Other programs are started in src/media/ only.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/media/' },
      to: { path: '^(node:)?child_process$' },
    },
    {
      name: 'core-imports-no-package',
      comment: 'src/core/ imports itself, and types of Node itself.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: '^src/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'every-folder-has-a-layer',
      comment: 'A new folder in src/ needs a line in mayImport.',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${Object.keys(mayImport).join('|')})/` },
    },
    {
      name: 'every-folder-has-a-layer-itself',
      comment: 'A new folder in src/ needs a line in mayImport.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${Object.keys(mayImport).join('|')})/` },
      to: {},
    },
    {
      name: 'src-stands-alone',
      comment: 'What runs does not import what checks it.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|bin|web)/' },
    },
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types', 'require'],
    },
  },
};
