import { z } from 'zod';
import { answers } from './answers.ts';
import { deleteQuery, keyRequest, listQuery, mediaPatch, restoreQuery, signRequest } from './schemas.ts';

type AnswerName = keyof typeof answers;

interface Operation {
  readonly does: string;
  readonly scope?: string;
  readonly query?: z.ZodObject;
  readonly body?: { readonly type: string; readonly schema: z.ZodType };
  readonly upload?: true;
  /** Status to answer; null: no body, 'bytes': the bytes themselves. */
  readonly answers: Readonly<Record<number, AnswerName | 'bytes' | null>>;
}

const operations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/api/uploads': {
    post: { does: 'Upload files', scope: 'upload', upload: true, answers: { 201: 'media', 207: 'several' } },
  },
  '/api/media': {
    get: { does: 'List media, newest first', scope: 'read', query: listQuery, answers: { 200: 'mediaPage' } },
  },
  '/api/media/{id}': {
    get: { does: 'Show a media', scope: 'read', answers: { 200: 'media' } },
    patch: {
      does: 'Change name, tags, description or visibility',
      scope: 'manage',
      body: { type: 'application/merge-patch+json', schema: mediaPatch },
      answers: { 200: 'media' },
    },
    delete: {
      does: 'Move to the trash, or purge',
      scope: 'manage',
      query: deleteQuery,
      answers: { 204: null },
    },
  },
  '/api/media/{id}/untrash': {
    post: { does: 'Take out of the trash', scope: 'manage', answers: { 200: 'media' } },
  },
  '/api/media/{id}/sign': {
    post: {
      does: 'Make a URL that opens it for a while',
      scope: 'read',
      body: { type: 'application/json', schema: signRequest },
      answers: { 200: 'signed' },
    },
  },
  '/media/{id}': {
    get: { does: 'The bytes', answers: { 200: 'bytes', 206: 'bytes', 304: null } },
  },
  '/media/{id}/{variant}': {
    get: { does: 'The bytes of a variant', answers: { 200: 'bytes', 206: 'bytes', 304: null } },
  },
  '/api/backup': { post: { does: 'Make a backup', scope: 'backup', answers: { 201: 'backup' } } },
  '/api/backups': {
    get: { does: 'List backups, newest first', scope: 'backup', answers: { 200: 'backupList' } },
  },
  '/api/backups/{name}': {
    get: { does: 'Show a backup', scope: 'backup', answers: { 200: 'backup' } },
    delete: { does: 'Delete a backup', scope: 'backup', answers: { 204: null } },
  },
  '/api/backups/{name}/verify': {
    post: { does: 'Read every byte of a backup and check it', scope: 'backup', answers: { 200: 'backup' } },
  },
  '/api/restore/{name}': {
    post: { does: 'Restore a backup', scope: 'backup', query: restoreQuery, answers: { 200: 'restored' } },
  },
  '/api/keys': {
    get: { does: 'List keys, without their secrets', scope: 'admin', answers: { 200: 'keyList' } },
    post: {
      does: 'Make a key',
      scope: 'admin',
      body: { type: 'application/json', schema: keyRequest },
      answers: { 201: 'newKey' },
    },
  },
  '/api/keys/{id}': { delete: { does: 'Revoke a key', scope: 'admin', answers: { 204: null } } },
  '/api/health': { get: { does: 'Whether uploads can be kept', answers: { 200: 'health', 503: 'health' } } },
  '/api/live': { get: { does: 'The process answers', answers: { 200: 'alive' } } },
  '/api/ready': { get: { does: 'It takes requests', answers: { 200: 'alive', 503: 'alive' } } },
};

/** The description of the API (OpenAPI 3.1), made of the schemas that check requests. */
export function describeApi(version: string): object {
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version, license: { name: 'MIT', identifier: 'MIT' } },
    paths: mapValues(operations, (methods, path) => mapValues(methods, (one) => describe(one, path))),
    components: {
      schemas: mapValues(answers, (schema) => jsonSchema(schema, 'output')),
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function describe({ does, scope, query, body, upload, answers: all }: Operation, path: string): object {
  return {
    summary: does,
    ...(scope !== undefined && { security: [{ key: [] }], description: `Needs the scope ${scope}.` }),
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(body && { requestBody: { content: { [body.type]: { schema: jsonSchema(body.schema, 'input') } } } }),
    ...(upload && { requestBody: uploadBody }),
    responses: {
      ...mapValues(all, (name) => ({
        description: does,
        ...(name !== null && { content: contentOf(name) }),
      })),
      default: { description: 'A problem', content: contentOf('problem', 'application/problem+json') },
    },
  };
}

const file = { type: 'string', contentMediaType: 'application/octet-stream' };
const uploadBody = {
  required: true,
  content: {
    'multipart/form-data': { schema: { type: 'object', properties: { file, sha256: { type: 'string' } } } },
    '*/*': { schema: file },
  },
};

function contentOf(name: AnswerName | 'bytes', type = 'application/json'): object {
  if (name === 'bytes') return { '*/*': { schema: file } };
  return { [type]: { schema: { $ref: `#/components/schemas/${name}` } } };
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true },
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject | undefined): object[] {
  const { properties } = jsonSchema(query ?? z.object({}), 'input');
  return Object.entries(properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    schema: schema as object,
  }));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _draft, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}
