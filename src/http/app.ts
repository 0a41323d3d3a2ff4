import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { HoldfastError } from '../core/error.ts';
import { answerCors, setSecurityHeaders } from './headers.ts';
import { describeApi } from './openapi.ts';
import type { HttpParts } from './parts.ts';
import { fail, logRequest, nameRequest } from './request.ts';
import { backupRoutes } from './routes/backups.ts';
import { handleBytes, isBytes } from './routes/bytes.ts';
import { healthRoutes } from './routes/health.ts';
import { keyRoutes } from './routes/keys.ts';
import { mediaRoutes } from './routes/media.ts';
import { onlyMethods } from './methods.ts';
import { continueWanted, handleUpload, isUpload } from './uploads/route.ts';

export type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** All of Holdfast's HTTP as one function, for a server or for a host that brings its own. */
export function createApp(parts: HttpParts): Handler {
  const app = createExpress(parts);
  return (req, res) => {
    nameRequest(req, res, parts.ids);
    setSecurityHeaders(res);
    logRequest(req, res, parts.log);
    if (parts.stopping()) res.setHeader('Connection', 'close');
    if (answerCors(req, res, parts.settings.corsOrigins)) return;
    if (isUpload(req)) {
      void handleUpload(parts, req, res);
      return;
    }
    if (isBytes(req)) {
      void handleBytes(parts, req, res);
      return;
    }
    if (continueWanted.has(req)) res.writeContinue();
    app(req as express.Request, res as express.Response);
  };
}

function createExpress(parts: HttpParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(healthRoutes(parts), mediaRoutes(parts), backupRoutes(parts), keyRoutes(parts));
  app.all('/api/uploads', onlyMethods('POST'));
  const description = describeApi(parts.settings.version);
  app
    .route('/api/openapi.json')
    .get((_req, res) => void res.json(description))
    .all(onlyMethods('GET, HEAD'));
  app.use((req) => {
    throw new HoldfastError(
      'not-found',
      `There is nothing at ${req.path.slice(0, 100)}. GET /api/openapi.json lists what there is.`,
    );
  });
  const onError: ErrorRequestHandler = (error, req, res, _next) => fail(req, res, error, parts.log);
  app.use(onError);
  return app;
}
